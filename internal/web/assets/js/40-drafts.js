// What was typed outlives a session that ended: it waits in this tab until somebody has signed in again. Secrets are never kept.
(() => {
  const key = `draft ${location.pathname}`;
  const kept = (el) => el.name && !el.matches("[type=password], [type=hidden], [type=file], [data-row], [data-all], #q, .top *");
  const fields = () => [...document.querySelectorAll("main form[method=post] :is(input, select, textarea)")].filter(kept);
  const value = (el) => (el.matches("[type=checkbox], [type=radio]") ? el.checked : el.value);

  if (document.body.classList.contains("door")) {
    document.addEventListener("submit", () => sessionStorage.setItem("draft returns", "yes"));
    return;
  }
  const returns = sessionStorage.getItem("draft returns");
  sessionStorage.removeItem("draft returns");
  const draft = JSON.parse(sessionStorage.getItem(key) ?? "null");
  if (returns && draft) {
    fields().forEach((el, i) => {
      if (draft[i]?.name !== el.name) return;
      if (el.matches("[type=checkbox], [type=radio]")) el.checked = draft[i].value;
      else el.value = draft[i].value;
      el.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
  sessionStorage.removeItem(key);
  document.addEventListener("input", (e) => {
    if (e.target.closest("main form[method=post]") && kept(e.target)) {
      sessionStorage.setItem(key, JSON.stringify(fields().map((el) => ({ name: el.name, value: value(el) }))));
    }
  });
})();
