// A table that is wider than its sheet can be scrolled by keyboard too, even where nothing in it takes the focus.
(() => {
  const fit = () => document.querySelectorAll(".sheet").forEach((el) => {
    const wide = el.scrollWidth > el.clientWidth;
    el.toggleAttribute("tabindex", wide);
    if (!wide) return;
    el.tabIndex = 0;
    el.setAttribute("role", "region");
    el.setAttribute("aria-label", el.querySelector("caption")?.textContent ?? "Table");
  });
  fit();
  addEventListener("resize", fit);
  document.addEventListener("htmx:afterSettle", fit);
})();
