// Keys: / search, ? help, g and a letter, j k and arrows in tables, x choose, [ ] pages, and what a page marks with data-key.
(() => {
  const sheet = document.getElementById("keys");
  const typing = (el) => el && (el.isContentEditable || el.matches("select, textarea, input:not([type=checkbox]):not([type=radio])"));

  // The help names the keys of this page too.
  const openSheet = () => {
    const here = sheet.querySelector(".here");
    here.replaceChildren(...[...document.querySelectorAll("main [data-key]")].map((el) => {
      const row = document.createElement("div");
      const dt = row.appendChild(document.createElement("dt"));
      dt.appendChild(document.createElement("kbd")).textContent = el.dataset.key;
      row.appendChild(document.createElement("dd")).textContent = el.textContent.trim() || el.getAttribute("aria-label") || "";
      return row;
    }));
    sheet.showModal();
  };
  if (sheet) {
    document.querySelectorAll("[data-opens=keys]").forEach((b) => {
      b.hidden = false;
      b.addEventListener("click", openSheet);
    });
  }

  let at = -1;
  const rows = () => [...document.querySelectorAll("table[data-keys] tbody tr")];
  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    const focused = all.findIndex((r) => r.contains(document.activeElement));
    all.forEach((r) => r.classList.remove("at"));
    at = Math.max(0, Math.min(all.length - 1, (focused >= 0 ? focused : at) + by));
    all[at].classList.add("at");
    all[at].scrollIntoView({ block: "nearest" });
    (all[at].querySelector("a.title") ?? all[at].querySelector("a"))?.focus({ preventScroll: true });
  };
  const follow = (selector) => document.querySelector(selector)?.click();

  const go = () => {
    const places = new Map([...(sheet?.querySelectorAll("[data-go]") ?? [])].map((el) => [el.dataset.go, el.dataset.to]));
    return (key) => { if (places.has(key)) location.assign(places.get(key)); };
  };
  let going = 0;
  const press = {
    "/": (e) => { e.preventDefault(); document.getElementById("q")?.select(); document.getElementById("q")?.focus(); },
    "?": () => { if (sheet && !sheet.open) openSheet(); },
    g: () => { going = Date.now(); },
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: (e) => { if (at >= 0) { e.preventDefault(); move(1); } },
    ArrowUp: (e) => { if (at >= 0) { e.preventDefault(); move(-1); } },
    x: () => rows()[at]?.querySelector("input[data-row]")?.click(),
    "]": () => follow("a[rel=next]"),
    "[": () => follow("a[rel=prev]"),
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    if (typing(e.target)) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    if (sheet?.open) return;
    if (going && Date.now() - going < 1500 && e.key !== "g") {
      going = 0;
      go()(e.key);
      return;
    }
    going = 0;
    const own = [...document.querySelectorAll("main [data-key]")].find((el) => el.dataset.key === e.key && !el.disabled && el.offsetParent);
    if (own) {
      e.preventDefault();
      if (own.matches("input, select, textarea")) own.focus();
      else own.click();
    } else press[e.key]?.(e);
  });
})();
