// Charts over time, drawn from the table of days beside them, which is what readers without scripts have. Pointer and arrow keys go from day
// to day; the values of the day stand above the line, and a screen reader hears them.
(() => {
  const table = document.getElementById("days");
  if (!table || !window.uPlot) return;
  const heads = [...table.tHead.rows[0].cells].map((c) => c.textContent);
  const rows = [...table.tBodies[0].rows];
  const days = rows.map((r) => Date.parse(r.querySelector("time").dateTime) / 1000);
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const options = (box, columns, say) => {
    const unit = box.dataset.unit ?? "", top = Number(box.dataset.top ?? 0);
    const axis = { stroke: token("--ink-2"), grid: { stroke: token("--rule"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const lines = [{ stroke: token("--accent"), width: 2 }, { stroke: token("--warn"), width: 2, dash: [5, 4] }];
    return {
      width: box.clientWidth, height: 150, legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => [0, top || Math.max(1, Math.ceil(high * 1.1))] } },
      axes: [{ ...axis, size: 30, space: 64, values: (_, at) => at.map((t) => date.format(t * 1000)) }, { ...axis, size: 52, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 5000, 10000], values: (_, at) => at.map((v) => v.toLocaleString(language) + unit) }],
      series: [{}, ...columns.map((c, i) => ({ label: heads[c], points: { show: false }, ...lines[i] }))],
      hooks: { setCursor: [(u) => { if (u.cursor.idx != null) say(u.cursor.idx); }] },
    };
  };

  const chart = (box) => {
    const columns = box.dataset.columns.split(" ").map(Number);
    const data = [days, ...columns.map((c) => rows.map((r) => Number(r.cells[c].dataset.value)))];
    const readout = document.createElement("p");
    readout.className = "readout";
    const frame = document.createElement("div");
    box.replaceWith(frame);
    frame.append(readout, box);
    let plot = null, at = rows.length - 1;
    const say = (i) => {
      at = i;
      const cells = rows[i].cells, values = columns.map((c) => `${heads[c]} ${cells[c].textContent}`);
      const day = document.createElement("strong");
      day.textContent = cells[0].textContent;
      readout.replaceChildren(day, ...values.map((v) => { const s = document.createElement("span"); s.textContent = v; return s; }));
      box.setAttribute("aria-valuenow", i);
      box.setAttribute("aria-valuetext", `${day.textContent}: ${values.join(", ")}`);
    };
    const draw = () => {
      plot?.destroy();
      plot = new uPlot(options(box, columns, say), data, box);
    };
    const attributes = { role: "slider", tabindex: 0, "aria-label": box.dataset.label, "aria-valuemin": 0, "aria-valuemax": rows.length - 1 };
    for (const [name, value] of Object.entries(attributes)) box.setAttribute(name, value);
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -rows.length, End: rows.length };
    box.addEventListener("keydown", (e) => {
      if (!(e.key in steps) || e.ctrlKey || e.metaKey || e.altKey) return;
      e.preventDefault();
      say(Math.max(0, Math.min(rows.length - 1, at + steps[e.key])));
      plot.setCursor({ left: plot.valToPos(days[at], "x"), top: 1 });
    });
    say(at);
    draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    new ResizeObserver(() => { if (plot.width !== box.clientWidth) plot.setSize({ width: box.clientWidth, height: plot.height }); }).observe(frame);
  };
  document.querySelectorAll(".chart").forEach(chart);
})();
