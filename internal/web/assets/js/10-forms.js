// Conveniences only: every page works without this file.
"use strict";
(() => {
  // A form marked data-auto sends itself when a choice in it changes.
  document.addEventListener("change", (e) => {
    const form = e.target.closest("form[data-auto]");
    if (form && e.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });

  // One checkbox for all rows of this page, the whole result when it is longer, and how much is chosen.
  const number = (n) => n.toLocaleString(document.documentElement.lang);
  const count = (form) => {
    const boxes = [...form.querySelectorAll("input[data-row]")];
    const chosen = boxes.filter((b) => b.checked).length;
    const all = form.querySelector("input[data-all]");
    const whole = form.querySelector("input[data-whole]");
    if (all) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
    if (whole && chosen < boxes.length) whole.checked = false;
    const out = form.querySelector("[data-count]");
    if (out) out.textContent = whole?.checked ? out.dataset.every : chosen ? `${number(chosen)} ${out.dataset.some}` : "";
    form.querySelectorAll("[data-with-whole]").forEach((el) => { el.disabled = !whole?.checked; });
    form.toggleAttribute("data-chosen", chosen > 0);
  };
  document.addEventListener("change", (e) => {
    const form = e.target.form;
    if (!form || !e.target.matches("input[data-all], input[data-row], input[data-whole]")) return;
    if (e.target.matches("input[data-all]") || (e.target.matches("input[data-whole]") && e.target.checked)) {
      form.querySelectorAll("input[data-row]").forEach((b) => { b.checked = e.target.checked; });
    }
    count(form);
  });
  document.querySelectorAll("form:has(input[data-row])").forEach(count);

  // A line that is to be pasted elsewhere is copied with one press.
  if (navigator.clipboard) document.querySelectorAll("[data-copy] pre.cmd").forEach((pre) => {
    const says = pre.closest("[data-copy]").dataset;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = says.copy;
    button.addEventListener("click", () => navigator.clipboard.writeText(pre.textContent).then(() => { button.textContent = says.copied; }, () => getSelection().selectAllChildren(pre)));
    const acts = document.createElement("p");
    acts.className = "acts";
    acts.append(button);
    pre.after(acts);
  });

  // A back-off on the sign-in page counts down where it stands.
  const wait = document.querySelector("[data-wait]");
  if (wait) {
    let left = Number(wait.dataset.wait);
    const tick = setInterval(() => {
      left -= 1;
      wait.textContent = String(Math.max(left, 0));
      if (left <= 0) clearInterval(tick);
    }, 1000);
  }
})();
