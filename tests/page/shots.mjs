// Screenshots of a chapter: node shots.mjs chapter.html FOLDER

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { open, settings, withBrowser } from "./browser.mjs";

const [file, folder] = process.argv.slice(2);
if (!file || !folder) {
  console.error("usage: node shots.mjs chapter.html FOLDER");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
await withBrowser(async (browser) => {
  for (const setting of settings) {
    const page = await open(browser, file, setting, () => {});
    await page.screenshot({ path: join(folder, `${setting.name}.png`), fullPage: true });
    if (setting.media === "print") {
      await page.pdf({ path: join(folder, "chapter.pdf"), format: "A4", preferCSSPageSize: true });
    }
    await page.context().close();
  }
  // The README's picture: a window's worth of the page around the heatmaps of several heads.
  const page = await open(browser, file, settings[0], () => {});
  await page.setViewportSize({ width: 1280, height: 880 });
  await page.evaluate(() => {
    const figure = document.getElementById("variation-3-input-1-grad-cam") ?? document.querySelector("figure");
    figure.scrollIntoView({ block: "center" });
  });
  await page.screenshot({ path: join(folder, "readme.png") });
});
