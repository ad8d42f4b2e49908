// Parts marked data-topic are fetched again when one of their topics changes: at most one at a time, never under a reader's hands, and
// not so often that the appliance does little else. A page that nobody looks at listens to nothing.
(() => {
  const typing = (el) => el && (el.isContentEditable || el.matches("select, textarea, input"));
  const live = () => [...document.querySelectorAll("[data-topic]")];
  const topicsOf = (el) => el.dataset.topic.split(" ").filter(Boolean);
  const held = (el) => (el.contains(document.activeElement) && typing(document.activeElement)) || el.contains(document.getSelection()?.focusNode) && !document.getSelection().isCollapsed;
  const stale = new Set();
  const heardOf = () => [...new Set(live().flatMap(topicsOf))].sort().map((t) => `topic=${encodeURIComponent(t)}`).join("&");
  let busy = false, source = null, asked = "", slow = 1000;
  const renew = async () => {
    if (busy || document.hidden || !window.htmx) return;
    busy = true;
    for (const el of live()) {
      if (!topicsOf(el).some((t) => stale.has(t)) || held(el)) continue;
      const began = performance.now();
      let open = [], at = "";
      el.addEventListener("htmx:beforeSwap", () => { // as it is now: a reader may have opened something since it was asked for
        open = [...el.querySelectorAll("details[open][id]")].map((d) => d.id);
        at = el.contains(document.activeElement) ? document.activeElement.id : "";
      }, { once: true });
      await htmx.ajax("GET", el.getAttribute("hx-get"), { source: el, target: el, swap: "outerHTML", headers: { "Fettle-Live": "1" } }).catch(() => {});
      open.forEach((id) => { const d = document.getElementById(id); if (d) d.open = true; });
      if (at) document.getElementById(at)?.focus({ preventScroll: true });
      slow = Math.max(1000, 4 * (performance.now() - began));
    }
    stale.clear();
    if (source && heardOf() !== asked) listen();
    setTimeout(() => { busy = false; if (stale.size) renew(); }, slow);
  };
  const hear = (topics) => { topics.forEach((t) => stale.add(t)); renew(); };
  const listen = () => {
    source?.close();
    source = null;
    asked = heardOf();
    if (!asked || document.hidden) return;
    source = new EventSource(`/live?${asked}`);
    source.onmessage = (e) => hear([e.data]);
    source.addEventListener("end", () => { source.close(); location.reload(); });
    source.onerror = () => { // refused, or the connections are used up: look again by the clock
      if (source?.readyState !== EventSource.CLOSED) return;
      source = null;
      setTimeout(() => { if (!source) { hear(live().flatMap(topicsOf)); listen(); } }, 30000);
    };
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) hear(live().flatMap(topicsOf)); listen(); });
  addEventListener("pagehide", () => { source?.close(); source = null; });
  addEventListener("pageshow", (e) => { if (e.persisted) listen(); });
  listen();
})();
