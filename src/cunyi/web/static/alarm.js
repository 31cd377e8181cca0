// What must not be overlooked (emergencies, questions, critical values, answers): looked for on every page, heard until somebody sees to it.
const LOOK = 8_000;
const SOUND = 4_000;
const box = document.getElementById("alarm");
const whileLocked = document.getElementById("alarm-while-locked");
const title = document.title;
let sound = null;
let ringing = 0;

// A browser lets a page be heard only after somebody touched it.
function allowSound() {
  sound ??= new AudioContext();
  if (sound.state === "suspended") sound.resume();
}
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, allowSound, { passive: true });

function ring() {
  if (sound?.state !== "running") return;
  for (const [start, pitch] of [
    [0, 880],
    [0.3, 660],
    [0.6, 880],
  ]) {
    const tone = sound.createOscillator();
    const loud = sound.createGain();
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.25, sound.currentTime + start);
    loud.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + start + 0.28);
    tone.connect(loud).connect(sound.destination);
    tone.start(sound.currentTime + start);
    tone.stop(sound.currentTime + start + 0.3);
  }
}

function follow() {
  const band = box.querySelector("[data-alarms]");
  const some = band !== null;
  document.title = some ? `⚠ ${band.dataset.title ?? box.dataset.title} · ${title}` : title;
  document.documentElement.dataset.alarm = some ? "yes" : "no";
  if (whileLocked) {
    whileLocked.hidden = !some;
    if (some) whileLocked.textContent = band.dataset.locked;
  }
  if (some && !ringing) {
    ring();
    ringing = setInterval(ring, SOUND);
  } else if (!some) {
    clearInterval(ringing);
    ringing = 0;
  }
}

const way = document.getElementById("to-preconsultations");
const wayName = way?.textContent;
/** How many have answered, on the way to them. */
function badge(ready) {
  if (way) way.textContent = ready ? `${wayName} ${ready}` : wayName;
}

async function look() {
  try {
    const answer = await fetch("/alarms", { headers: { "X-Requested-With": "cunyi" } });
    if (answer.ok) {
      const html = await answer.text();
      // Left as it is while nothing changed, so that a button under a finger does not move.
      if (html.trim() !== box.dataset.shown) {
        box.dataset.shown = html.trim();
        const open = box.querySelector(".alarm-more")?.open;
        box.innerHTML = html;
        const more = box.querySelector(".alarm-more");
        if (open && more) more.open = true;
        measure();
      }
      follow();
      badge(Number(answer.headers.get("X-Cunyi-Ready")));
    }
  } catch {
    // The node does not answer; other parts of the page say so.
  }
}
// What else stays at the top of a page that is pushed up, the triage first of all, stands below what is urgent and never under it.
const heights = new ResizeObserver(() => {
  const height = box.querySelector(".alarm-urgent")?.offsetHeight ?? 0;
  document.documentElement.style.setProperty("--alarm", `${height}px`);
});
function measure() {
  heights.disconnect();
  const urgent = box.querySelector(".alarm-urgent");
  if (urgent) heights.observe(urgent);
}
box.dataset.shown = box.innerHTML.trim();
measure();
follow();
look();
setInterval(look, LOOK);
document.addEventListener("cunyi:alarm", look);
