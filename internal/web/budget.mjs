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
  window.waited = { largest: 0, shift: 0, blocked: 0, moved: "" };
  const named = (n) => n?.nodeType !== 1 ? n?.parentElement ? named(n.parentElement) : "?" : n.tagName.toLowerCase() + (n.id ? `#${n.id}` : "") + [...n.classList].map((c) => `.${c}`).join("");
  const see = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  see("largest-contentful-paint", (e) => { window.waited.largest = e.startTime; });
  see("layout-shift", (e) => {
    if (e.hadRecentInput) return;
    window.waited.shift += e.value;
    for (const { node, previousRect: was, currentRect: is } of e.sources) window.waited.moved += `${named(node)} ${was.y}+${was.height} to ${is.y}+${is.height}, at ${Math.round(e.startTime)} ms; `;
  });
  see("longtask", (e) => { window.waited.blocked += e.duration - 50; });
});
const page = await context.newPage();
const open = async (path) => {
  await page.goto("about:blank");
  await page.goto(given.base + path, { waitUntil: "load" });
  await page.waitForTimeout(100);
  await page.waitForFunction(() => !document.querySelector(".htmx-request")); // what a page fetches by itself moves things too
  await page.waitForTimeout(100);
  return page.evaluate(() => ({
    ...window.waited,
    first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1,
    requests: 1 + performance.getEntriesByType("resource").length,
    elements: document.querySelectorAll("*").length,
  }));
};
const views = given.widths.flatMap((width) => ["light", "dark"].map((colorScheme) => ({ width, colorScheme })));
await page.goto(given.base + given.pages[0], { waitUntil: "load" });
for (const path of given.pages) {
  const seen = [];
  for (let i = 0; i < given.times; i += 1) seen.push(await open(path));
  const middle = (of) => seen.map((s) => s[of]).sort((a, b) => a - b)[Math.floor(seen.length / 2)];
  let worst = seen[0];
  for (const { width, colorScheme } of views) { // where things move depends on how much room there is
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const one = await open(path);
    if (one.shift > worst.shift) worst = { ...one, moved: `${width} ${colorScheme}: ${one.moved}` };
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  console.log(JSON.stringify({ path, first: middle("first"), largest: middle("largest"), shift: worst.shift, moved: worst.moved, blocked: middle("blocked"), requests: middle("requests"), elements: middle("elements") }));
}
await browser.close();
