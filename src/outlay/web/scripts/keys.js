// Keyboard: g then a letter opens a page, / goes to the search field, j and k move over rows, Enter opens a row.
(() => {
  const typing = (target) => target.closest("input, select, textarea, [contenteditable]");
  let waiting = 0;
  const rows = () => [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a"));
  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const here = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, here + by))];
    next.querySelector("a").focus();
    next.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.documentElement.dataset.keys === "off") return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (waiting && Date.now() - waiting < 1500) {
      const link = document.querySelector(`.top nav a[data-key="${CSS.escape(event.key)}"]`);
      waiting = 0;
      if (link) link.click();
      return;
    }
    if (event.key === "g") waiting = Date.now();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "Escape" && history.length > 1) history.back();
    else if (event.key === "/") {
      const search = document.querySelector("main input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    }
  });
})();
