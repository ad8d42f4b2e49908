// Plays what docs/tasks.md says an administrator does, from Home, and holds the clicks that it takes against those that it says. A click is a
// press of the pointer: a choice from a list is two, typing is none.
import fs from "node:fs";

const documented = () => {
  const rows = new Map();
  for (const line of fs.readFileSync(new URL("../../docs/tasks.md", import.meta.url), "utf8").split("\n")) {
    const m = line.match(/^\| (\d+) \| .* \| (\d+) \|$/);
    if (m) rows.set(Number(m[1]), Number(m[2]));
  }
  return rows;
};

export const tasks = async ({ page, home, fault }) => {
  let clicks = 0;
  const click = async (what) => { clicks += 1; await (typeof what === "string" ? page.locator(what).first() : what).click(); };
  const choose = async (what, value) => { clicks += 2; await page.selectOption(what, value); };
  const ask = async (text) => { await click("#q"); await page.keyboard.type(text); await page.keyboard.press("Enter"); };
  const rail = (word) => click(`.rail nav a:has-text("${word}")`);
  const says = async (selector, what) => {
    const said = (await page.locator(selector).first().textContent()).replace(/\s+/g, " ").trim();
    if (!what.test(said)) throw new Error(`${selector} says ${said}`);
  };

  const all = {
    1: async () => { await ask("CVE-2026-21044"); await page.waitForURL(/\/search/); await says("h1", /machines? lacks? a patch against CVE-2026-21044/); await says("#lacking + ul a", /web-01/); },
    2: async () => { await ask("why is perl not on web-01"); await page.waitForURL(/\/explain\//); await says(".path .closed.first", /approval covers it/); await says(".next", /Who can act: you/); },
    3: async () => {
      await rail("Patches");
      await choose("[name=severity]", "critical");
      await page.waitForURL(/severity=critical/);
      await click("[data-all]");
      await choose(".bar [name=label]", "web");
      await click("button[value=approve]");
      await says("#consequence", /^.*Approve 2 patches for label web/);
      await click("form.decide button.main");
      await says("h1", /2 patches are approved for web/);
    },
    4: async () => { await says("section[aria-labelledby=tonight]", /rest today .*22 machines.*deploys what is approved for all and eligible/); },
    5: async () => { await click("text=was not seen for 7 days"); await says("table tbody", /edge-06/); },
    6: async () => {
      await click('section[aria-labelledby=decide] a:has-text("perl")');
      await choose("form [name=label] >> nth=0", "db");
      await click("button[value=hold]");
      await click("[name=until]");
      await page.fill("[name=until]", "2026-12-24T08:00");
      await page.waitForFunction(() => /Hold 1 patch for label db/.test(document.querySelector("#consequence").textContent));
      await click("[name=why]");
      await page.fill("[name=why]", "the till");
      await click("form.decide button.main");
      await says("h1", /held for db/);
    },
    7: async () => { await click("section[aria-labelledby=tonight] a:has(.beat)"); await click("text=Halt …"); await says("h1", /Halt it\? 1 installation has not started/); await click("text=Halt the deployment"); await page.waitForURL(/\/deployments\/[^/]+$/); },
    8: async () => { await ask("glibc on web-01"); await page.waitForURL(/\/explain\//); await click("text=Roll it back here …"); await says("h1", /Roll it back\?/); await click("[name=why]"); await page.keyboard.type("it breaks the shop"); await click("button.main.stop"); await page.waitForURL(/\/deployments\//); },
    9: async () => { await rail("Reports"); await click("text=What was installed"); await click("nav.tabs >> text=October 2026"); await says("h1", /October 2026: 34 installations of 3 patches, 33 proven by a detect/); await says("tbody", /m\.keller/); },
    10: async () => { await ask("openssl"); await click('main a:has-text("openssl")'); await says(".facts", /approved for all · m\.keller/); },
    11: async () => { await rail("Reports"); const file = page.waitForEvent("download"); await click("main >> text=Workbook"); if ((await file).suggestedFilename() !== "compliance.xlsx") throw new Error("it is no workbook"); },
    12: async () => { await click("text=owe a reboot"); await says("table tbody", /mail-03.*(restarts after what the schedule|no schedule of its labels restarts it: plan a restart)/); },
    13: async () => { await rail("Enrol"); await click("main form button.main"); await says("main", /fettle1\./); await page.goto(new URL("/start", page.url()).href); await click("a.button.main"); await page.waitForURL(/\/explain\//); },
    14: async () => { await click("text=owe a reboot"); await click('main a:has-text("Restart …")'); await says("h1", /Restart them\? 2 machines would restart/); await click("text=Restart 2 machines now"); await page.waitForURL(/\/deployments\/[^/]+$/); },
  };

  const budget = documented();
  const took = [];
  for (const [n, play] of Object.entries(all)) {
    await home();
    clicks = 0;
    const begun = performance.now();
    try {
      await play();
      if (clicks !== budget.get(Number(n))) fault("tasks", `task ${n} takes ${clicks} clicks, and docs/tasks.md says ${budget.get(Number(n))}`);
    } catch (e) {
      fault("tasks", `task ${n}: ${String(e).split("\n")[0]}`);
    }
    took.push(`${n}: ${clicks} in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  }
  if (budget.size !== took.length) fault("tasks", `docs/tasks.md has ${budget.size} tasks, and ${took.length} are played`);
  console.log(`tasks, with clicks and seconds: ${took.join(", ")}`);
};
