// Opens pages in a real Chromium, each in a browser that has seen the console before, and tells what its reader waited for. Reads what to open from
// its input; prints a JSON value for each page.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const given = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({
  executablePath: given.chromium, headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 } });
await context.addCookies([{ name: given.cookie.name, value: given.cookie.value, url: given.base + "/", secure: true, httpOnly: true, sameSite: "Strict" }]);
await context.addInitScript(() => {
  window.waited = { largest: 0, shift: 0, blocked: 0 };
  const see = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  see("largest-contentful-paint", (e) => { window.waited.largest = e.startTime; });
  see("layout-shift", (e) => { if (!e.hadRecentInput) window.waited.shift += e.value; });
  see("longtask", (e) => { window.waited.blocked += e.duration - 50; });
});
const page = await context.newPage();
await page.goto(given.base + given.pages[0], { waitUntil: "load" });
for (const path of given.pages) {
  const seen = [];
  for (let i = 0; i < given.times; i += 1) {
    await page.goto("about:blank");
    await page.goto(given.base + path, { waitUntil: "load" });
    await page.waitForTimeout(150);
    seen.push(await page.evaluate(() => ({
      ...window.waited,
      first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1,
      requests: 1 + performance.getEntriesByType("resource").length,
      elements: document.querySelectorAll("*").length,
    })));
  }
  const middle = (of) => seen.map((s) => s[of]).sort((a, b) => a - b)[Math.floor(seen.length / 2)];
  console.log(JSON.stringify({ path, first: middle("first"), largest: middle("largest"), shift: middle("shift"), blocked: middle("blocked"), requests: middle("requests"), elements: middle("elements") }));
}
await browser.close();
