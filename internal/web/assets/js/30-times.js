// Times in the reader's own zone, near ones as how long ago: in the appliance's words (phrase.Language.Near), so that nothing moves where the two
// are in one zone. The page says what the appliance's clock showed, so that a wrong clock here does no harm.
(() => {
  const skew = Date.parse(document.documentElement.dataset.now) - Date.now();
  const minute = 60_000, hour = 60 * minute;
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  // What formats is made when it is needed: making all of them takes a browser longer than to lay a page out.
  const lazy = (make) => { let made; return () => (made ??= make()); };
  const format = (options) => lazy(() => new Intl.DateTimeFormat(language, options));
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const weekday = format({ weekday: "short" });
  const month = language === "de" ? "numeric" : "short";
  const date = format({ day: "numeric", month });
  const year = format({ day: "numeric", month, year: "numeric" });
  const exact = format({ dateStyle: "full", timeStyle: "long" });
  const near = lazy(() => new Intl.RelativeTimeFormat(language, { numeric: "auto" }));
  const on = (format, t) => format().format(t).replace("Sept", "Sep");
  const midnight = (t) => { const d = new Date(t); d.setHours(0, 0, 0, 0); return d; };

  const words = (t, now) => {
    const gone = now - t;
    if (Math.abs(gone) < 45_000) return near().format(0, "second");
    if (Math.abs(gone) < hour - 30_000) return near().format(-Math.sign(gone) * Math.max(1, Math.round(Math.abs(gone) / minute)), "minute");
    const days = Math.round((midnight(now) - midnight(t)) / (24 * hour));
    if (Math.abs(days) < 2) return `${near().format(-days, "day")} ${clock().format(t)}`;
    if (Math.abs(days) < 7) return `${weekday().format(t)} ${clock().format(t)}`;
    return new Date(t).getFullYear() === new Date(now).getFullYear() ? `${on(date, t)} ${clock().format(t)}` : on(year, t);
  };
  // What has just come was said a moment ago: ages that are in no zone stay as they are, since by this clock a minute may have gone by or not yet, and
  // a shorter word takes a line away. Three seconds before an age becomes a time of day it is looked at all the same.
  const aged = (t, now) => Math.abs(now - t) < hour - 33_000;
  // The appliance writes times with its own zone: where the reader's is the same then and now, what it says is what would be said here.
  const zone = (text) => { const [, sign, h, m] = /([+-])(\d\d):(\d\d)$/.exec(text) ?? [0, "+", 0, 0]; return Number(`${sign}1`) * (60 * h + Number(m)); };
  const ours = (text) => zone(text) === -new Date(text).getTimezoneOffset();
  const show = (root, fresh) => {
    const now = Date.now() + skew, home = fresh && ours(document.documentElement.dataset.now);
    for (const el of root.querySelectorAll("time[datetime]")) {
      const t = Date.parse(el.dateTime);
      if (Number.isNaN(t) || (home && ours(el.dateTime))) continue;
      const said = el.hasAttribute("data-day") || (fresh && aged(t, now)) ? el.textContent : words(t, now);
      if (said !== el.textContent) el.textContent = said;
      el.title = exact().format(t);
    }
  };
  if (Number.isNaN(skew)) return;
  show(document, true);
  setInterval(() => show(document), 30_000);
  document.addEventListener("htmx:load", (e) => show(e.target, true));
})();
