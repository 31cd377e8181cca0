// One stream of events for each page: a swiped card leads to its person; readings and states are told to what shows them.
import { send } from "./lock.js";

const KINDS = ["card", "reading", "status", "alarm"];
const AGAIN = 4_000;
const lock = document.getElementById("unlock-dialog");
let stream = null;
let timer = 0;

function listen() {
  clearTimeout(timer);
  // A browser has few connections for each computer, so only the page that is looked at holds one.
  if (stream || document.hidden) return;
  const draft = document.querySelector("[data-draft]")?.dataset.draft;
  stream = new EventSource(draft ? `/devices/events?draft=${draft}` : "/devices/events");
  stream.addEventListener("open", () => {
    document.documentElement.dataset.listening = "yes";
    document.dispatchEvent(new Event("cunyi:listening"));
  });
  for (const kind of KINDS) {
    stream.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data)));
  }
  stream.addEventListener("error", () => {
    if (stream?.readyState !== EventSource.CLOSED) return;
    stream = null;
    timer = setTimeout(listen, AGAIN);
  });
}
function rest() {
  clearTimeout(timer);
  stream?.close();
  stream = null;
  delete document.documentElement.dataset.listening;
}
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
window.addEventListener("pagehide", rest);
window.addEventListener("pageshow", listen);
document.addEventListener("cunyi:unlocked", listen);
listen();

async function tell(kind, detail) {
  // Nobody sees what arrives while the screen is locked; it waits.
  if (lock?.open && kind !== "alarm") await new Promise((resolve) => document.addEventListener("cunyi:unlocked", resolve, { once: true }));
  const told = new CustomEvent(`cunyi:${kind}`, { detail, cancelable: true });
  // A page that writes something asks first and goes there itself.
  if (document.dispatchEvent(told) && kind === "card") window.location.assign(`/card/${detail.token}`);
}

// The simulated instruments of a demonstration are used without leaving the page.
for (const form of document.querySelectorAll("[data-simulated]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.closest("details").querySelector("[role=status]");
    const answer = await send(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    // On a narrow screen the panel would lie over what arrives.
    if (answer.ok && window.innerWidth < 700) form.closest("details").open = false;
    said.textContent = answer.ok ? said.dataset.done : (await answer.json()).error.message;
  });
}
