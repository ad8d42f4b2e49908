// Visits the console in a real Chromium. Reads what to visit from its input, prints what it found, and fails if anything is wrong.
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { tasks } from "./tasks.mjs";

const given = JSON.parse(fs.readFileSync(0, "utf8"));
const axe = fs.readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const faults = [];
const fault = (where, what) => faults.push(`${where}: ${what}`);

const launch = (profile, timezoneId = "UTC") => chromium.launchPersistentContext(profile, {
  executablePath: given.chromium,
  headless: true,
  ignoreHTTPSErrors: true,
  timezoneId, // of a reader at the appliance's own place, unless another is given
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await launch(given.profile);
const reports = () => {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
};
await context.addInitScript(reports);

let base = "";
let dialogs = 0;
const watch = (page) => {
  page.on("dialog", async (d) => { dialogs += 1; fault(page.url(), `dialog ${d.message()}`); await d.dismiss(); });
  page.on("pageerror", (e) => fault(page.url(), `script error ${e.message}`));
  page.on("console", (m) => { if (/content security policy|refused to/i.test(m.text())) fault(page.url(), m.text()); });
  page.on("request", (r) => { if (!r.url().startsWith(base + "/") && !r.url().startsWith("data:,")) fault(page.url(), `asks for ${r.url()}`); });
};
const enter = async (site, who = context, secret = given.secret) => {
  base = site.base;
  await who.clearCookies();
  await who.addCookies([{ name: "__Host-fettle", value: secret, url: site.base + "/", secure: true, httpOnly: true, sameSite: "Strict" }]);
};
const page = await context.newPage();
watch(page);

// Every page with hostile text in every field: nothing runs, nothing is blocked because nothing tries.
const hostile = async () => {
  await enter(given.hostile);
  let violations = 0;
  for (const a of given.hostile.addresses) {
    const answer = await page.goto(base + a, { waitUntil: "load" });
    if (answer.status() >= 500) fault(a, `status ${answer.status()}`);
    const found = await page.evaluate(() => {
      for (const d of document.querySelectorAll("details")) d.open = true;
      for (const el of document.querySelectorAll("main *")) el.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
      // uPlot sets style by script, which the policy allows
      const own = (u) => !u || new URL(u, location.href).origin === location.origin;
      return {
        violations: window.violations,
        scripts: [...document.scripts].map((s) => s.getAttribute("src")),
        foreign: [...document.querySelectorAll("a[href],form[action],[formaction],[src],base,object,embed,iframe,meta[http-equiv]")].filter((e) => !own(e.getAttribute("href") ?? e.getAttribute("action") ?? e.getAttribute("src") ?? e.getAttribute("formaction")) || /^(BASE|OBJECT|EMBED|IFRAME)$/.test(e.tagName)).map((e) => e.outerHTML.slice(0, 120)),
        handlers: [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((x) => /^on|^hx-on/.test(x.name) || (x.name === "style" && !e.closest(".uplot")))).map((e) => e.outerHTML.slice(0, 120)),
        wide: document.documentElement.scrollWidth > document.documentElement.clientWidth + 1,
      };
    });
    violations += found.violations.length;
    found.violations.forEach((v) => fault(a, `policy violation ${v}`));
    const charts = a === "/reports" ? ",/assets/uPlot.iife.min.js,/assets/charts.js" : "";
    if (found.scripts.map((s) => s.split("?")[0]).join() !== "/assets/htmx.min.js,/assets/console.js" + charts) fault(a, `scripts ${found.scripts}`);
    found.foreign.forEach((e) => fault(a, `leads away: ${e}`));
    found.handlers.forEach((e) => fault(a, `has a handler or a style: ${e}`));
  }
  console.log(`hostile: ${given.hostile.addresses.length} pages, ${dialogs} dialogs, ${violations} policy violations`);
};

// Accessibility, light and dark, wide and narrow. Colours and sizes do not depend on which machine it is: one page of each kind.
const kinds = (site) => [...new Map(site.addresses.map((a) => [a.replace(/^(\/[^/?]*)(\/[^?]+)?(\?(\w+))?.*$/, (_, one, two, three, four) => one + (two ? "/x" : "") + (two?.endsWith("/halt") ? "/halt" : "") + (four ?? "")), a])).values(), "/sign-in?next=/x", "/nowhere"];
const accessible = async (site, name, looks) => {
  let checked = 0;
  for (const [colorScheme, width] of looks) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 900 });
    await enter(site);
    for (const a of kinds(site)) {
      if (a.startsWith("/sign-in")) await context.clearCookies();
      else await enter(site);
      await page.goto(base + a, { waitUntil: "load" });
      await page.evaluate(axe);
      const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      for (const v of result.violations) {
        fault(`${name} ${a} ${colorScheme} ${width}`, `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")}`);
      }
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 1) fault(`${name} ${a} ${width}`, `is ${over} px wider than the window because of ${await widest()}`);
      checked += 1;
    }
  }
  console.log(`axe-core on ${name}: ${checked} pages`);
};

const widest = () => page.evaluate(() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (e) => e && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
  return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement)).slice(-1).map((e) => e.outerHTML.slice(0, 140)).join();
});

const expect = (where, ok, what) => { if (!ok) fault(where, what); };
const text = async (selector) => (await page.locator(selector).first().textContent())?.replace(/\s+/g, " ").trim() ?? "";

// A person signs in, decides with a preview, takes it back, and asks why.
const person = async () => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1440, height: 900 });
  base = given.good.base;
  await context.clearCookies();
  await page.goto(base + "/patches?show=undecided");
  await page.fill("[name=name]", "m.keller");
  await page.fill("[name=password]", "wrong");
  await page.click("main button");
  expect("sign-in", /wrong/.test(await text("[role=alert]")), "a wrong password is not said");
  expect("sign-in", (await page.inputValue("[name=name]")) === "m.keller", "the name is lost");
  await page.fill("[name=password]", given.password);
  await page.click("main button");
  expect("sign-in", page.url() === base + "/patches?show=undecided", `leads to ${page.url()}`);
  const jar = (await context.cookies()).find((c) => c.name === "__Host-fettle");
  expect("sign-in", jar && jar.secure && jar.httpOnly && jar.sameSite === "Strict" && jar.path === "/", "the cookie is not as it must be");

  await page.locator("input[data-row]").nth(0).check();
  await page.locator("input[data-row]").nth(1).check();
  expect("patches", (await text("[data-count]")) === "2 chosen", "the chosen rows are not counted");
  await page.click("button[value=approve]");
  expect("decide", /Approve 2 patches for label all/.test(await text("#consequence")), "there is no preview");
  await page.selectOption("[name=label]", "web");
  await page.waitForFunction(() => /Approve 2 patches for label web/.test(document.querySelector("#consequence").textContent));
  await page.selectOption("[name=verb]", "hold");
  await page.waitForFunction(() => /Hold 2 patches for label web/.test(document.querySelector("#consequence").textContent));
  expect("decide", await page.locator("[name=until]").isVisible(), "a hold has no end");
  expect("decide", await page.locator("[name=owner]").isVisible(), "a hold has no owner");
  expect("decide", (await text("#act")) === "Hold 2 patches for web", `the button says ${await text("#act")}`);
  await page.selectOption("[name=verb]", "approve");
  await page.waitForFunction(() => /Approve 2 patches for label web/.test(document.querySelector("#consequence").textContent));
  expect("decide", !(await page.locator("[name=until], [name=owner]").filter({ visible: true }).count()), "an approval has a hold's end or owner");
  await page.fill("[name=why]", "tonight");
  await page.click("form.decide button.main");
  expect("decided", /2 patches are approved for web/.test(await text("h1")), `says ${await text("h1")}`);
  await page.click("text=Undo");
  expect("undo", /\/patches\//.test(page.url()), `leads to ${page.url()}`);

  await page.goto(base + "/machines");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/machines\/./);
  await page.locator("table[data-keys] tbody a").first().click();
  await page.waitForURL(/\/explain\//);
  expect("explain", (await page.locator(".path .closed.first").count()) === 1, "there is not one first closed gate");
  await page.keyboard.press("/");
  await page.keyboard.type("why is perl not on web-01");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/explain\/.*\/perl\//);

  await page.goto(base + given.good.addresses.find((a) => /^\/deployments\/[^/?]{20,}$/.test(a)));
  const open = await page.evaluate(() => { const d = document.querySelector("#live details[id]"); d.open = true; return d.id; });
  const asked = await page.waitForResponse((r) => r.request().headers()["fettle-live"] === "1", { timeout: 6000 }).catch(() => null);
  expect("deployment", asked, "a running deployment is not read again when it changes");
  await page.waitForTimeout(300);
  expect("deployment", (await page.locator("#live").count()) === 1 && (await page.locator("main").count()) === 1, "what was read again is not in its place");
  expect("deployment", await page.locator(`#${open}`).evaluate((d) => d.open), "what was open is closed when it is read again");
  await page.goto(base + "/deployments");
  await page.keyboard.press("j");
  const row = await page.evaluate(() => document.activeElement.id);
  expect("deployments", await page.waitForResponse((r) => r.request().headers()["fettle-live"] === "1", { timeout: 6000 }).catch(() => null), "the list is not read again when a deployment changes");
  await page.waitForTimeout(300);
  expect("deployments", row && (await page.locator("#live").count()) === 1 && (await page.evaluate(() => document.activeElement.id)) === row, "the row where the reader was is lost when the list is read again");
  await page.goto(base + "/labels");
  await page.fill("[name=expr]", "nonsense ==");
  await page.waitForFunction(() => /does not compile/.test(document.querySelector("#try").textContent));
  console.log("a person signed in, decided with a preview, undid it, asked why and watched a deployment");
};

// A story by keyboard alone: to the machines, down the rows, into one, to its question, to the explanation, and to its first button.
const keyboard = async () => {
  await enter(given.good);
  await page.goto(base + "/");
  const keys = async (...list) => { for (const k of list) await page.keyboard.press(k); };
  await keys("?");
  expect("keys", await page.locator("#keys").isVisible(), "? shows no help");
  await keys("Escape");
  expect("keys", !(await page.locator("#keys").isVisible()), "Escape leaves the help open");
  await keys("g", "m");
  await page.waitForURL(/\/machines$/);
  await keys("j", "ArrowDown", "x");
  expect("keys", (await text("[data-count]")) === "1 chosen", "x chooses no row");
  await keys("ArrowUp", "Enter");
  await page.waitForURL(/\/machines\/./);
  await keys("w");
  await page.keyboard.type("perl");
  await keys("Enter");
  await page.waitForURL(/\/explain\/.*\/perl\//);
  await keys("a");
  await page.waitForURL(/\/decide\?/);
  expect("keys", /Approve 1 patch for label all/.test(await text("#consequence")), "a does not lead to the decision");
  await keys("g", "p");
  await page.waitForURL(/\/patches$/);
  await keys("j", "x");
  await page.waitForFunction(() => /^Approve 1 patch/.test(document.querySelector("#says").textContent));
  console.log("a person went from home to a decision by keyboard alone");
};

// Charts are drawn over the table of days, and a reader goes along the line by pointer and by keyboard; nothing that the policy forbids is tried.
const charts = async () => {
  await enter(given.good);
  await page.goto(base + "/reports", { waitUntil: "load" });
  const drawn = await page.evaluate(() => [...document.querySelectorAll(".chart canvas")].map((c) => new Set(c.getContext("2d").getImageData(0, 0, c.width, c.height).data).size));
  expect("charts", drawn.length === 2 && drawn.every((colours) => colours > 8), `what is drawn has ${drawn} colours`);
  const now = () => page.locator(".chart").first().getAttribute("aria-valuetext");
  const last = await now();
  await page.locator(".chart").first().focus();
  await page.keyboard.press("ArrowLeft");
  const before = await now();
  expect("charts", before !== last && /\d\s%/.test(before), `by keyboard the chart says ${before}`);
  expect("charts", (await text(".readout")).startsWith(before.split(":")[0]), "the values are not shown that are said");
  await page.locator(".chart .u-over").first().hover({ position: { x: 2, y: 20 } });
  await page.waitForFunction(() => document.querySelector(".chart").getAttribute("aria-valuenow") === "0");
  const reported = await page.evaluate(() => window.violations);
  expect("charts", reported.length === 0, `policy violation ${reported}`);
  await page.goto(base + "/");
  expect("charts", (await page.locator("script[src*=uPlot]").count()) === 0, "a page without charts loads their library");
  console.log("two charts were drawn and read by keyboard and pointer");
};

// A session ends while somebody types: what was typed comes back after signing in.
const expiry = async () => {
  await enter(given.good);
  await page.goto(base + "/labels");
  await page.fill("[name=name]", "night-shift");
  await page.fill("[name=note]", "typed before the session ended");
  await context.clearCookies();
  await page.click("text=Make the label");
  expect("expiry", /session has ended/.test(await text("[role=alert]")), "it is not said that the session has ended");
  await page.fill("main [name=name]", "m.keller");
  await page.fill("[name=password]", given.password);
  await page.click("main button");
  expect("expiry", /typed before the session ended/.test(await text(".typed")), "what was typed is lost");
  await page.goto(base + "/rules");
  await page.fill("[name=note]", "kept in the tab");
  await context.clearCookies();
  await page.goto(base + "/rules");
  await page.fill("main [name=name]", "m.keller");
  await page.fill("[name=password]", given.password);
  await page.click("main button");
  expect("expiry", (await page.inputValue("[name=note]")) === "kept in the tab", "what was typed does not come back");
  console.log("a session ended twice and nothing typed was lost");
};

// Two people at once: one decides while the other looks at the preview of the same patch. The second learns of it before deciding, loses
// nothing of what was typed, and decides knowingly; what the first said stays on record.
const together = async () => {
  const address = given.shared.addresses.find((a) => a.startsWith("/decide?verb=hold")).replace("hold", "approve");
  await enter(given.shared);
  await page.goto(base + address);
  await page.fill("[name=why]", "the monthly round");
  expect("together", /^Approve/.test(await text("#consequence .says")), "there is no preview");
  const theirs = await launch(given.profile + "-other");
  try {
    await enter(given.shared, theirs, given.other);
    const other = await theirs.newPage();
    watch(other);
    await other.goto(base + address);
    await other.selectOption("[name=verb]", "decline");
    await other.waitForFunction(() => /^Decline/.test(document.querySelector("#consequence .says").textContent));
    await other.fill("[name=why]", "it breaks the shop");
    await other.click("form.decide button.main");
    expect("together", /declined/.test(await other.textContent("h1")), "the first of two cannot decide");
    const said = page.waitForResponse((r) => r.request().method() === "POST");
    await page.click("form.decide button.main");
    expect("together", (await said).status() === 409, "the second of two decides unknowingly");
    const alert = await text("[role=alert]");
    expect("together", /j\.ortiz/.test(alert) && /it breaks the shop/.test(alert), `the second is told ${alert}`);
    expect("together", (await page.inputValue("[name=why]")) === "the monthly round" && (await page.inputValue("[name=verb]")) === "approve", "what the second typed is lost");
    await page.click("form.decide button.main");
    expect("together", /approved/.test(await text("h1")), `who has seen it cannot decide: ${await text("h1")}`);
    await other.goto(`${base}/patches/${new URL(base + address).searchParams.get("patch").split("/").map(encodeURIComponent).join("/")}`);
    const record = await other.textContent("main");
    expect("together", /it breaks the shop/.test(record) && /the monthly round/.test(record), "not both decisions are on record");
  } finally {
    await theirs.close();
  }
  console.log("two people decided about one patch at once, and each knew of the other");
};

// Without scripts everything reads, filters filter, and a decision is taken in two steps.
const plain = async () => {
  await enter(given.good);
  await page.route("**/assets/*.js*", (r) => r.abort());
  await page.goto(base + given.good.addresses.find((a) => a.startsWith("/explain/")));
  expect("plain", await page.locator(".path .first").isVisible(), "the way is not drawn without scripts");
  expect("plain", /\d{2}:\d{2}:\d{2}/.test(await page.locator("time").first().getAttribute("title")), "a time has no exact one without scripts");
  await page.goto(base + "/machines");
  await page.fill("main [name=q]", "web-");
  await page.click("text=Filter");
  expect("plain", (await page.locator("table tbody tr").count()) === 4, "the filter does not filter without scripts");
  await page.locator("input[data-row]").first().check();
  await page.click("text=Detect now …");
  expect("plain", /Have 1 machine detect now/.test(await text("h1")), `it says ${await text("h1")}`);
  await page.click("main form button.main");
  expect("plain", /1 machine was asked to detect/.test(await text("h1")), `it says ${await text("h1")}`);
  await page.unroute("**/assets/*.js*");
  console.log("without scripts a machine was found and asked to detect");
};

// Nothing moves under a reader's eyes: scripts write times as the appliance did, and what comes later has its room.
const still = async (language, widths) => {
  const watching = await launch(given.profile + "-still");
  try {
    await watching.setExtraHTTPHeaders({ "Accept-Language": language });
    await watching.addInitScript(() => {
      window.moved = [];
      new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) window.moved.push(e.value); })).observe({ type: "layout-shift", buffered: true });
    });
    await enter(given.good, watching);
    const there = await watching.newPage();
    watch(there);
    for (const width of widths) {
      await there.setViewportSize({ width, height: 900 });
      for (const a of kinds(given.good)) {
        if (a.startsWith("/sign-in") || a === "/nowhere") continue;
        await there.goto(base + a, { waitUntil: "load" });
        await there.waitForTimeout(60);
        const seen = await there.evaluate(async () => {
          const words = (of) => [...of.querySelectorAll("main time")].map((t) => t.textContent);
          const sent = words(new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html")), shown = words(document);
          return { shift: window.moved.reduce((sum, x) => sum + x, 0), other: sent.length === shown.length ? sent.map((w, i) => (w === shown[i] ? "" : `${w} → ${shown[i]}`)).filter(Boolean) : [] };
        });
        expect(`${a} ${width}`, seen.shift <= 0.02, `the layout moves by ${seen.shift.toFixed(3)}`);
        expect(`${a} ${language}`, seen.other.length === 0, `times are written another way by scripts: ${seen.other.slice(0, 3).join("; ")}`);
      }
    }
    // An age that was sent stays, though this clock has half a minute more gone by than the appliance's had.
    await there.route(base + "/machines", async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace(/data-now="([^"]+)"/, (_, now) => `data-now="${new Date(Date.parse(now) + 31_000).toISOString()}"`);
      await route.fulfill({ response, body });
    });
    await there.goto(base + "/machines", { waitUntil: "load" });
    const ages = await there.evaluate(async () => {
      const words = (of) => [...of.querySelectorAll("time")].map((t) => t.textContent).filter((w) => /minute/i.test(w));
      return { sent: words(new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html")), shown: words(document) };
    });
    expect(`ages ${language}`, ages.sent.length > 0 && ages.sent.join() === ages.shown.join(), `${ages.sent.length} were sent, and are shown as ${ages.shown.slice(0, 3).join(", ")} instead of ${ages.sent.slice(0, 3).join(", ")}`);
  } finally {
    await watching.close();
  }
  console.log(`nothing moved on any page in ${language}`);
};

// A reader in another zone reads all times in that one, the exact ones too; at the appliance's own place they stay as they were sent.
const zones = async () => {
  for (const [zone, hours] of [["UTC", 0], ["Asia/Tokyo", 9]]) {
    const there = await launch(`${given.profile}-${zone.replace("/", "-")}`, zone);
    try {
      await enter(given.good, there);
      const page = await there.newPage();
      watch(page);
      await page.goto(base + "/audit", { waitUntil: "load" });
      const seen = await page.evaluate(async () => {
        const times = (of) => [...of.querySelectorAll("main time:not([data-day])")].map((t) => ({ at: t.dateTime, said: t.textContent, exact: t.title }));
        return { sent: times(new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html")), shown: times(document) };
      });
      const clock = (text) => /\d{2}:\d{2}/.exec(text)?.[0];
      const local = (at) => new Date(Date.parse(at) + hours * 3_600_000).toISOString().slice(11, 16);
      const wrong = seen.shown.filter((t) => clock(t.exact) !== local(t.at) || (clock(t.said) && clock(t.said) !== local(t.at)));
      expect(`times in ${zone}`, seen.shown.some((t) => clock(t.said)) && wrong.length === 0, `${wrong.length} of ${seen.shown.length} are of another zone: ${JSON.stringify(wrong.slice(0, 2))}`);
      expect(`times in ${zone}`, (JSON.stringify(seen.sent) === JSON.stringify(seen.shown)) === (hours === 0), "they are as they were sent, or are not");
    } finally {
      await there.close();
    }
  }
  console.log("times are those of the reader's zone");
};

const pictures = async () => {
  const one = (p) => given.good.addresses.find((a) => a.startsWith(p) && a.length > p.length + 3);
  const shots = { home: "/", machines: "/machines", machine: one("/machines/"), patches: "/patches", patch: one("/patches/"), explain: one("/explain/"), "explain-label": one("/explain-label/"), labels: "/labels", label: "/labels/web", deployments: "/deployments", rings: "/rings", rollout: one("/rings/decide"), plan: "/deployments/new?label=web", deployment: one("/deployments/0"), decide: one("/decide?"), feeds: "/feeds", diff: "/catalogs/debian-12-amd64", calendar: "/calendar", rules: "/rules", reports: "/reports", installed: "/reports/installed?from=2026-10-01&until=2026-10-31", reboots: "/machines?show=reboot", cve: "/search?q=CVE-2026-21044", checks: "/checks", alarms: "/alarms", audit: "/audit", enrol: "/enrol", search: "/search?q=web", error: "/nowhere", "sign-in": "/sign-in" };
  const named = new Set(Object.values(shots));
  for (const a of kinds(given.good)) if (!named.has(a) && a !== "/nowhere" && !a.startsWith("/sign-in")) shots[a.slice(1).replace(/[^\w=.-]+/g, "-").slice(0, 60)] = a;
  fs.mkdirSync(given.shots, { recursive: true });
  if (process.env.FETTLE_LANGUAGE) await context.setExtraHTTPHeaders({ "Accept-Language": process.env.FETTLE_LANGUAGE });
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1440, 1024, 390]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await enter(given.good);
      for (const [name, a] of Object.entries(shots)) {
        if (process.env.FETTLE_SHOTS_OF && !new RegExp(process.env.FETTLE_SHOTS_OF).test(`${name}-${colorScheme}-${width}`)) continue;
        await (name === "sign-in" ? context.clearCookies() : enter(given.good));
        await page.goto(base + a, { waitUntil: "load" });
        await page.screenshot({ path: path.join(given.shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      }
    }
  }
  await enter(given.empty);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(base + "/");
  await page.screenshot({ path: path.join(given.shots, "empty-home.png") });
  await enter(given.good);
  await page.emulateMedia({ media: "print" });
  await page.goto(base + one("/explain/"));
  await page.screenshot({ path: path.join(given.shots, "explain-print.png"), fullPage: true });
  await page.emulateMedia({ media: "screen" });
  await context.setExtraHTTPHeaders({});
};

// The pictures of README.md and docs: what a window shows, small enough to be kept.
const kept = async () => {
  fs.mkdirSync(given.pictures.folder, { recursive: true });
  for (const p of given.pictures.list) {
    await page.emulateMedia({ colorScheme: p.dark ? "dark" : "light", reducedMotion: "reduce" });
    await page.setViewportSize({ width: p.width, height: p.height });
    await enter(given.pictures.site);
    await page.goto(base + p.address, { waitUntil: "load" });
    const x = p.bare ? await page.evaluate(() => document.querySelector("#main").parentElement.getBoundingClientRect().left + 4) : 0;
    await page.screenshot({ path: path.join(given.pictures.folder, p.name), clip: { x, y: 0, width: p.width - x, height: p.height } });
  }
};

const step = (name, run) => run().catch((e) => fault(name, String(e).split("\n")[0]));
await step("pictures that are kept", kept);
if (given.shots && !process.env.FETTLE_PICTURES) await step("pictures", pictures);
if (process.env.FETTLE_STILL_ONLY) {
  await step("zones", zones);
  await step("still", () => still("en", [390, 820, 1440]));
  await step("still in German", () => still("de", [820]));
} else if (process.env.FETTLE_STORIES_ONLY) {
  await step("a person", person);
  await step("tasks", () => tasks({ page, home: async () => { await enter(given.good); await page.goto(base + "/"); }, fault }));
  await step("keyboard", keyboard);
  await step("charts", charts);
  await step("expiry", expiry);
  await step("together", together);
  await step("plain", plain);
} else if (!process.env.FETTLE_SHOTS_ONLY) {
  await step("a person", person);
  await step("tasks", () => tasks({ page, home: async () => { await enter(given.good); await page.goto(base + "/"); }, fault }));
  await step("keyboard", keyboard);
  await step("charts", charts);
  await step("expiry", expiry);
  await step("together", together);
  await step("plain", plain);
  await step("zones", zones);
  await step("still", () => still("en", [390, 820, 1440]));
  await step("still in German", () => still("de", [820]));
  await step("axe-core on many", () => accessible(given.good, "many", [["light", 1600], ["dark", 1024], ["dark", 390]]));
  await step("axe-core in German", async () => {
    await context.setExtraHTTPHeaders({ "Accept-Language": "de" });
    await accessible(given.good, "German", [["light", 1280], ["light", 390]]);
    await context.setExtraHTTPHeaders({});
  });
  await step("axe-core on empty", () => accessible(given.empty, "empty", [["light", 390]]));
  await step("hostile", hostile);
}
await context.close();
if (faults.length) {
  const seen = new Map();
  for (const f of faults) {
    const kind = f.replace(/^.*?: /, "");
    seen.set(kind, [...(seen.get(kind) ?? []), f.split(": ")[0]]);
  }
  for (const [kind, where] of seen) console.log(`FAULT ${kind}\n      ${where.length} × ${where.slice(0, 3).join(", ")}`);
  process.exit(1);
}
