// A headless Chromium and the ways in which a reader may meet the page.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

// The path of a Chromium or Chrome: CHROMIUM, or where the systems put it.
export function chromiumPath() {
  const places = [
    process.env.CHROMIUM,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  ];
  return places.find((path) => path && existsSync(path));
}

export const settings = [
  { name: "wide-light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "wide-dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "phone-light", viewport: { width: 360, height: 740 }, colorScheme: "light" },
  { name: "phone-dark", viewport: { width: 360, height: 740 }, colorScheme: "dark" },
  { name: "small", viewport: { width: 320, height: 640 }, colorScheme: "light" },
  { name: "print", viewport: { width: 680, height: 960 }, colorScheme: "light", media: "print" },
];

export async function withBrowser(work) {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error("no Chromium found; install one or name it in CHROMIUM");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath, args });
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

// Opens the page in one of the settings; `report` is called with everything a quiet page does not do.
export async function open(browser, file, setting, report) {
  const address = pathToFileURL(resolve(file)).href;
  const context = await browser.newContext({ viewport: setting.viewport, colorScheme: setting.colorScheme });
  const page = await context.newPage();
  page.on("console", (message) => report(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => report(`error: ${error.message}`));
  page.on("requestfailed", (request) => report(`failed request: ${request.url().slice(0, 100)}`));
  page.on("request", (request) => {
    const url = request.url();
    if (url !== address && !url.startsWith("data:")) report(`request to ${url.slice(0, 100)}`);
  });
  if (setting.media) await page.emulateMedia({ media: setting.media, colorScheme: setting.colorScheme });
  await page.goto(address, { waitUntil: "load" });
  return page;
}
