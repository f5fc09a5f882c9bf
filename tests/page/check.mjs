// Checks one chapter: node check.mjs chapter.html [--megabytes N] [--height PX] [--pages N] [--first-screen SELECTOR]. The options are the
// most that it may hold, be high at 1280 px, and take in print, and what must be seen without scrolling. Says everything that is wrong, and
// exits with 1 if anything is.

import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import vnu from "vnu-jar";
import { open, settings, withBrowser } from "./browser.mjs";

const text = { type: "string" };
const { values: bars, positionals } = parseArgs({
  allowPositionals: true,
  options: { megabytes: text, height: text, pages: text, "first-screen": text },
});
const file = positionals[0];
if (!file) {
  console.error("usage: node check.mjs chapter.html [--megabytes N] [--height PX] [--pages N] [--first-screen SELECTOR]");
  process.exit(2);
}
const faults = [];
const fault = (where) => (what) => faults.push(`${where}: ${what}`);

// vnu writes its findings to stderr, so it is run through a shell that turns them round.
function nuFindings() {
  const output = execFileSync("sh", ["-c", 'java -Xss4m -jar "$0" --format json --exit-zero-always "$1" 2>&1', vnu, file], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return JSON.parse(output).messages;
}

// Runs in the page.
function inspect() {
  const problems = [];
  const root = document.scrollingElement;
  if (root.scrollWidth > root.clientWidth) {
    const widest = [...document.querySelectorAll("main *")]
      .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
      .slice(0, 3)
      .map((element) => `<${element.localName} class="${element.getAttribute("class") ?? ""}">`);
    problems.push(`the page scrolls sideways: ${root.scrollWidth} > ${root.clientWidth} px, by ${widest.join(", ")}`);
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!document.getElementById(decodeURIComponent(link.hash.slice(1)))) problems.push(`nothing at ${link.hash}`);
  }
  for (const picture of document.querySelectorAll("main svg[role=img], main img")) {
    const { width, height } = picture.getBoundingClientRect();
    const hidden = !picture.checkVisibility();
    const name = picture.getAttribute("aria-label") ?? picture.getAttribute("alt") ?? "";
    if (!name) problems.push("a picture without words");
    if (!picture.hasAttribute("width") || !picture.hasAttribute("height")) problems.push(`no size: ${name}`);
    if (!hidden && (width < 1 || height < 1)) problems.push(`not drawn: ${name}`);
  }
  for (const figure of document.querySelectorAll("figure")) {
    if (!/^Figure [\d.]+\./.test(figure.querySelector("figcaption")?.textContent.trim() ?? "")) {
      problems.push(`no numbered caption: ${figure.id}`);
    }
  }
  return problems;
}

// Every embedded picture must decode; SVG images say nothing when they do not.
async function undecodable() {
  const addresses = new Set([...document.querySelectorAll("svg image")].map((image) => image.getAttribute("href")));
  const failed = [];
  for (const address of addresses) {
    const image = new Image();
    image.src = address;
    await image.decode().catch(() => failed.push(`a picture cannot be decoded: ${address.slice(0, 60)}`));
  }
  return failed;
}

for (const { type, message, lastLine } of nuFindings()) {
  if (type === "error") fault("vnu")(`line ${lastLine}: ${message}`);
}

// How far a page goes beyond the bars that were given; also says what it needs.
const needs = [];
function bar(name, value, where, unit) {
  needs.push(`${value} ${unit}`);
  if (bars[name] && value > Number(bars[name])) fault(where)(`${value} ${unit}, more than ${bars[name]}`);
}

async function measure(page, setting) {
  if (setting.name === "wide-light") {
    bar("height", await page.evaluate(() => document.scrollingElement.scrollHeight), setting.name, "px at 1280");
    const selector = bars["first-screen"];
    if (selector) {
      const bottom = await page.evaluate((s) => document.querySelector(s)?.getBoundingClientRect().bottom ?? Infinity, selector);
      if (bottom > setting.viewport.height) fault(setting.name)(`${selector} ends at ${bottom} px, below the first screen`);
    }
  }
  if (setting.media === "print") {
    const pdf = (await page.pdf({ format: "A4", preferCSSPageSize: true })).toString("latin1");
    bar("pages", (pdf.match(/\/Type\s*\/Page[^s]/g) ?? []).length, setting.name, "pages in print");
  }
}

bar("megabytes", Math.round(statSync(file).size / 1e4) / 100, "file", "MB");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
await withBrowser(async (browser) => {
  for (const setting of settings) {
    const report = fault(setting.name);
    const page = await open(browser, file, setting, report);
    (await page.evaluate(inspect)).forEach(report);
    if (setting.name === "wide-light") (await page.evaluate(undecodable)).forEach(report);
    if (setting.name.startsWith("wide") || setting.name.startsWith("phone")) {
      // Outside the page's own policy, as an extension would be.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      for (const { id, help, nodes } of violations) {
        report(`axe ${id}: ${help} (${nodes.length}×, first ${nodes[0].html.slice(0, 160)})`);
      }
    }
    await measure(page, setting);
    await page.context().close();
  }
});

if (faults.length > 0) {
  console.error(faults.join("\n"));
  console.error(`${file}: ${faults.length} faults`);
  process.exit(1);
}
console.log(`${file}: ${needs.join(", ")}`);
console.log(`${file}: vnu, axe and Chromium (${settings.map(({ name }) => name).join(", ")}) find nothing wrong`);
