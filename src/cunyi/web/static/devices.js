// The instruments as they are now, and the search for new ones.
import { send } from "./lock.js";

const list = () => document.getElementById("device-list");

// A status may change several times a second; the page is made anew at most once in half a second.
let timer = 0;
function soon() {
  if (timer) return;
  timer = setTimeout(async () => {
    timer = 0;
    // What somebody is typing or has opened stays as it is.
    if (list().contains(document.activeElement) && document.activeElement.matches("input, select")) return soon();
    const answer = await send("/devices");
    if (answer.ok) Idiomorph.morph(list(), await answer.text(), { morphStyle: "outerHTML" });
  }, 500);
}
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");
for (const kind of ["reading", "status", "listening"]) document.addEventListener(`cunyi:${kind}`, soon);

const search = document.getElementById("device-search");
if (search) {
  const found = document.getElementById("device-found");
  const working = document.getElementById("device-searching");
  search.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = search.querySelector("button");
    button.disabled = true;
    working.hidden = false;
    try {
      const answer = await send(search.action, { method: "POST" });
      if (answer.ok) found.innerHTML = await answer.text();
      else found.textContent = (await answer.json()).error.message;
    } finally {
      working.hidden = true;
      button.disabled = false;
      button.focus();
    }
  });
}
