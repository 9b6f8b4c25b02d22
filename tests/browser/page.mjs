// Opens a page from disk as people do: wide, middling, narrow, dark, on paper. Fails at any request, any message of the console,
// anything that axe-core finds, anything wider than the window. Leaves pictures in a folder.
//
//     node page.mjs PAGE.html FOLDER

import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [page, folder] = process.argv.slice(2);
const require = createRequire(join(resolve(process.env.QNN_BROWSER_TESTS ?? "."), "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const wrong = [];
for (const [name, width, scheme] of [
  ["wide", 1280, "light"],
  ["middle", 768, "dark"],
  ["phone", 360, "light"],
  ["phone-dark", 360, "dark"],
]) {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: scheme,
    bypassCSP: false,
  });
  const tab = await context.newPage();
  const url = pathToFileURL(resolve(page)).href;
  tab.on("console", (message) => wrong.push(`${name}: the console says ${message.text()}`));
  tab.on("pageerror", (error) => wrong.push(`${name}: ${error}`));
  tab.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) wrong.push(`${name}: asks for ${request.url()}`);
  });
  const before = performance.now();
  await tab.goto(url, { waitUntil: "load" });
  const taken = performance.now() - before;
  const painted = await tab.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now())))),
  );
  console.log(`${name}: loaded in ${taken.toFixed(0)} ms, painted ${painted.toFixed(0)} ms after its start`);
  const inside = await tab.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
  if (!inside) wrong.push(`${name}: the page is wider than the window`);
  await tab.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  // Everything unfolded, with the controls that the script adds.
  await tab.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await tab.evaluate(axe);
  const found = await tab.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  for (const violation of found.violations) {
    const where = violation.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`);
    wrong.push(`${name}: ${violation.id}: ${violation.help}: ${where.join("; ")}`);
  }
  if (name === "wide") {
    const sorted = await tab.evaluate(() => {
      const button = document.querySelector("table.sortable th button");
      button?.click();
      return button?.closest("th").getAttribute("aria-sort");
    });
    if (sorted !== "ascending") wrong.push(`${name}: a click on a heading does not sort`);
    await tab.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = false)));
    await tab.pdf({ path: join(folder, "page.pdf"), format: "A4" });
  }
  await context.close();
}
await browser.close();
for (const line of wrong) console.log(line);
process.exit(wrong.length ? 1 : 0);
