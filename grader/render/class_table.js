"use strict";
// Sorts and filters the table of submissions. The page reads without this script: its controls stay hidden until it runs.
(function () {
  const table = document.getElementById("submissions");
  const tools = document.getElementById("tools");
  if (!table || !tools) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const text = document.getElementById("filter-text");
  const state = document.getElementById("filter-state");
  const shown = document.getElementById("shown");

  function filter() {
    const wanted = text.value.trim().toLocaleLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = (!state.value || row.dataset.state === state.value) && row.textContent.toLocaleLowerCase().includes(wanted);
      row.hidden = !fits;
      if (fits) count += 1;
    }
    shown.textContent = count + " / " + rows.length;
  }

  function sort(header, column) {
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const marks = "✗◐?!○✓";
    const rank = (row) => { const mark = row.cells[column].textContent.trim()[0]; return mark ? marks.indexOf(mark) : 9; };
    const value = (row) => heat ? rank(row) : row.cells[column].dataset.value ?? row.cells[column].textContent.trim().toLocaleLowerCase();
    const numeric = header.classList.contains("num"), heat = header.classList.contains("heat");
    rows.sort(function (a, b) {
      const x = value(a), y = value(b);
      const order = numeric || heat ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
      return down ? -order : order;
    });
    body.append(...rows);
  }

  Array.from(table.tHead.rows[0].cells).forEach(function (header, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", function () { sort(header, column); });
  });
  for (const field of document.querySelectorAll("textarea.copy")) field.addEventListener("focus", function () { field.select(); });
  text.addEventListener("input", filter);
  state.addEventListener("change", filter);
  tools.hidden = false;
  filter();
})();
