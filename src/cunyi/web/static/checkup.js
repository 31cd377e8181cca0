// Measuring many people in a row: Enter confirms, N is the next one, a swiped card is the next one, too.
import { followPanel } from "./arriving.js";
import { send } from "./lock.js";

const next = document.getElementById("next-person");
const find = document.getElementById("checkup-find");
const trouble = document.getElementById("checkup-trouble");
const now = document.getElementById("checkup-now");

// What is being typed or was opened in the panel stays so when another reading arrives.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
  !(name === "open" && node.tagName === "DETAILS") && !(name === "value" && node === document.activeElement);

followPanel((done) => {
  document.getElementById("checkup-taken").innerHTML = done.taken_html;
  return [];
}, now?.dataset.confirm);

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target.matches("input, select, textarea, button, a, summary")) return;
  if (event.key === "Enter") document.querySelector("#arriving [data-confirm]")?.click();
  if (event.key === "n" || event.key === "N") next?.click();
});

document.addEventListener("cunyi:card", async (event) => {
  event.preventDefault();
  const kind = new URLSearchParams(new FormData(find ?? document.getElementById("checkup-kind")));
  const answer = await send(`/checkup/card/${event.detail.token}`, { method: "POST", body: kind });
  const told = await answer.json();
  if (answer.ok) window.location.assign(told.to);
  else {
    trouble.textContent = told.error.message;
    trouble.hidden = false;
  }
});

if (find) {
  const found = document.getElementById("checkup-found");
  const words = find.querySelector("input[name=words]");
  let timer = 0;
  const look = async () => {
    const answer = await send(find.action, { method: "POST", body: new URLSearchParams(new FormData(find)) });
    if (answer.ok) found.innerHTML = await answer.text();
  };
  find.addEventListener("submit", async (event) => {
    event.preventDefault();
    await look();
    found.querySelector("button")?.focus();
  });
  words.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 200);
  });
}
