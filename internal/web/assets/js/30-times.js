// Times in the reader's own zone, near ones as how long ago. The page says what the appliance's clock showed, so that a wrong clock here does no harm.
(() => {
  const skew = Date.parse(document.documentElement.dataset.now) - Date.now();
  const minute = 60_000, hour = 60 * minute;
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
  const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
  const year = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
  const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
  const midnight = (t) => { const d = new Date(t); d.setHours(0, 0, 0, 0); return d; };

  const words = (t, now) => {
    const gone = now - t;
    if (Math.abs(gone) < 45_000) return "now";
    if (Math.abs(gone) < hour - 30_000) {
      const n = Math.max(1, Math.round(Math.abs(gone) / minute));
      return gone > 0 ? `${n} min ago` : `in ${n} min`;
    }
    const days = Math.round((midnight(now) - midnight(t)) / (24 * hour));
    if (days === 0) return `today ${clock.format(t)}`;
    if (days === 1) return `yesterday ${clock.format(t)}`;
    if (days === -1) return `tomorrow ${clock.format(t)}`;
    if (Math.abs(days) < 7) return `${weekday.format(t)} ${clock.format(t)}`;
    return new Date(t).getFullYear() === new Date(now).getFullYear() ? `${date.format(t)} ${clock.format(t)}` : year.format(t);
  };
  const show = (root) => {
    const now = Date.now() + skew;
    for (const el of root.querySelectorAll("time[datetime]")) {
      const t = Date.parse(el.dateTime);
      if (Number.isNaN(t)) continue;
      if (!el.hasAttribute("data-day")) el.textContent = words(t, now);
      el.title = exact.format(t);
    }
  };
  if (Number.isNaN(skew)) return;
  show(document);
  setInterval(() => show(document), 30_000);
  document.addEventListener("htmx:load", (e) => show(e.target));
})();
