// Conveniences only: every page works without this file.
"use strict";
(() => {
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(el.tagName));

  // A form marked data-auto sends itself when a choice in it changes.
  document.addEventListener("change", (e) => {
    const form = e.target.closest("form[data-auto]");
    if (form && e.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });

  // One checkbox for all rows of this page, and the count of chosen rows in the button.
  const count = (form) => {
    const boxes = [...form.querySelectorAll("input[data-row]")];
    const chosen = boxes.filter((b) => b.checked).length;
    const all = form.querySelector("input[data-all]");
    if (all) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
    const out = form.querySelector("[data-count]");
    if (out) out.textContent = chosen ? `${chosen} chosen` : "";
  };
  document.addEventListener("change", (e) => {
    const form = e.target.form;
    if (!form || !e.target.matches("input[data-all], input[data-row]")) return;
    if (e.target.matches("input[data-all]")) {
      form.querySelectorAll("input[data-row]").forEach((b) => { b.checked = e.target.checked; });
    }
    count(form);
  });

  // Keys: / search, j and k rows, Enter open, x choose.
  let at = -1;
  const rows = () => [...document.querySelectorAll("table[data-keys] tbody tr")];
  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    all[at]?.classList.remove("at");
    at = Math.max(0, Math.min(all.length - 1, at + by));
    all[at].classList.add("at");
    all[at].scrollIntoView({ block: "nearest" });
    all[at].querySelector("a")?.focus({ preventScroll: true });
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (typing(e.target)) {
      if (e.key === "Escape" && !e.target.matches("input[type=checkbox]")) e.target.blur();
      if (!e.target.matches("input[type=checkbox]")) return;
    }
    if (e.key === "/") {
      e.preventDefault();
      document.getElementById("q")?.focus();
    } else if (e.key === "j") move(1);
    else if (e.key === "k") move(-1);
    else if (e.key === "x") rows()[at]?.querySelector("input[data-row]")?.click();
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
