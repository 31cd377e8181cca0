// The queue on a page that is open: looked at again by itself, left alone while somebody is writing in it.
const LOOK = 15_000;
const box = document.getElementById("queue-here");
const told = document.getElementById("queue-told");
let shown = box.innerHTML.trim();

function emergencies() {
  return Number(box.querySelector("#queue")?.dataset.emergencies ?? 0);
}

function isInUse() {
  return box.querySelector(".set-level[open]") !== null || box.contains(document.activeElement);
}

async function look() {
  if (isInUse() || document.hidden) return;
  try {
    const answer = await fetch(`/queue${window.location.search}`, { headers: { "X-Requested-With": "cunyi" } });
    if (!answer.ok) return;
    const html = (await answer.text()).trim();
    if (html === shown || isInUse()) return;
    const before = emergencies();
    const unfolded = box.querySelector(".more-waiting[open]") !== null;
    shown = html;
    box.innerHTML = html;
    const fold = box.querySelector(".more-waiting");
    if (fold) fold.open = unfolded;
    if (emergencies() > before) told.textContent = box.querySelector("#queue").dataset.told;
  } catch {
    // The node does not answer; the next look will tell.
  }
}
setInterval(look, LOOK);
document.addEventListener("visibilitychange", look);
document.addEventListener("cunyi:alarm", look);
