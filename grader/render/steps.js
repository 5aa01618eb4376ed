"use strict";
// Keys n and p lead to the next and the previous finding. The page reads without this script, and its links lead the same way.
(function () {
  const stops = Array.from(document.querySelectorAll(".note, article.card"));
  const tools = document.getElementById("keys");
  if (stops.length < 2 || !tools) return;
  let at = -1;
  let on = true;

  function go(step) {
    const target = stops.findIndex((stop) => "#" + stop.id === location.hash);
    at = Math.min(Math.max((target < 0 ? at : target) + step, 0), stops.length - 1);
    location.hash = stops[at].id;
  }

  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "true");
  button.append(...tools.childNodes);
  tools.append(button);
  tools.hidden = false;
  button.addEventListener("click", function () {
    on = !on;
    button.setAttribute("aria-pressed", String(on));
  });
  document.addEventListener("keydown", function (event) {
    if (!on || event.ctrlKey || event.altKey || event.metaKey || /^(input|textarea|select)$/i.test(event.target.tagName)) return;
    if (event.key === "n") go(1);
    else if (event.key === "p") go(-1);
  });
})();
