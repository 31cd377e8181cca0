// The encounter: kept as it is typed, assessed with the same request; one window at a time, nothing lost.
import { watchAnswers } from "./answers.js";
import { askBeforeLeaving, fillForm, followPanel } from "./arriving.js";
import { markTexts } from "./highlight.js";
import { watchLabs } from "./labs.js";
import { slideAssessment } from "./panel.js";
import { watchReadings } from "./readings.js";

const form = document.getElementById("case");
const trouble = document.getElementById("trouble");
const WAIT = 250;
const LONGEST_KEEPING = 10_000;

// What the doctor opened stays open, and what is being typed is not touched.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
  !(name === "open" && node.tagName === "DETAILS") && !(name === "value" && node === document.activeElement);

form.elements.window.value = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);

let timer = 0;
let unkept = false;
// Whether something was typed since the last keeping began: its answer does not speak for that.
let typedSince = false;
function keepSoon() {
  unkept = true;
  typedSince = true;
  clearTimeout(timer);
  timer = setTimeout(keep, WAIT);
}
function keep() {
  form.elements.stroke.value = String(Number(form.elements.stroke.value) + 1);
  htmx.trigger(form, "kept-later");
}
form.addEventListener("input", keepSoon);
form.addEventListener("change", keepSoon);
document.addEventListener("cunyi:unlocked", keepSoon);

// The keeping that runs; one that a newer one takes the place of is given up and says nothing.
let keeping = null;
form.addEventListener("htmx:abort", (event) => {
  // Other parts inside the form ask for themselves.
  if (event.target === form) keeping = null;
});
form.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt !== form) return;
  keeping = event.detail.xhr;
  typedSince = false;
});
form.addEventListener("htmx:afterRequest", (event) => {
  const { elt, xhr, successful } = event.detail;
  if (elt !== form || xhr !== keeping) return;
  form.dispatchEvent(new Event("cunyi:keeping-over"));
  if (successful) {
    unkept = typedSince;
    trouble.hidden = true;
    form.elements.over.value = "";
    return;
  }
  // A locked screen asks for itself and the text is sent again after it.
  if (xhr.status === 423 || xhr.status === 401) return;
  let message = trouble.dataset.lost;
  try {
    message = JSON.parse(xhr.responseText).error.message;
  } catch {
    // No answer of the program: the words of the page stand.
  }
  trouble.textContent = message;
  trouble.hidden = false;
});
document.body.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target.id === "draft-status") {
    form.elements.revision.value = document.getElementById("draft-status").dataset.revision;
  }
});
window.addEventListener("beforeunload", (event) => {
  if (unkept && !leaving) event.preventDefault();
});
let leaving = false;
form.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.dataset.question && !window.confirm(button.dataset.question)) {
    event.preventDefault();
    return;
  }
  leaving = true;
  clearTimeout(timer);
  form.elements.stroke.value = String(Number(form.elements.stroke.value) + 1);
});

// A way out of the page is taken once what was typed is kept; what could not be kept is asked about. Signing goes before it.
let goingOut = false;
document.addEventListener("click", async (event) => {
  const way = event.target.closest("a[href]");
  const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!unkept || !way || way.target || way.hash || !plain || event.defaultPrevented) return;
  event.preventDefault();
  if (goingOut) return;
  goingOut = true;
  document.body.setAttribute("aria-busy", "true");
  // Where no answer comes the browser asks about what is not kept; a way out is never without effect.
  await Promise.race([keepNow(), new Promise((resolve) => setTimeout(resolve, LONGEST_KEEPING))]);
  document.body.removeAttribute("aria-busy");
  goingOut = false;
  if (!leaving) window.location.assign(way.href);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#keep-mine")) {
    form.elements.over.value = "yes";
    keep();
  }
});

// Enter in a field must not sign by accident.
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.tagName === "INPUT") event.preventDefault();
});

// Rows of diagnoses and drugs.
form.addEventListener("click", (event) => {
  const box = event.target.closest("fieldset");
  if (event.target.closest("[data-add-entry]")) {
    addRow(box).querySelector("input").focus();
  }
  const remove = event.target.closest("[data-remove-entry]");
  if (remove) {
    const rows = box.querySelector("[data-entries]");
    remove.closest(".entry-row").remove();
    if (!rows.children.length) addRow(box);
    rows.querySelector("input").focus();
    keepSoon();
  }
  const chosen = event.target.closest("[data-diagnosis]");
  if (chosen) {
    const names = Array.from(box.querySelectorAll("[name=diagnosis_name]"));
    if (names.some((field) => field.value === chosen.dataset.diagnosis)) return;
    const free = names.find((field) => !field.value.trim()) ?? addRow(box).querySelector("[name=diagnosis_name]");
    free.value = chosen.dataset.diagnosis;
    keepSoon();
  }
  const early = event.target.closest("[data-next-visit]");
  if (early) {
    form.elements.next_visit_on.value = early.dataset.nextVisit;
    keepSoon();
  }
});
function addRow(box) {
  const rows = box.querySelector("[data-entries]");
  rows.append(box.querySelector("template").content.cloneNode(true));
  return rows.lastElementChild;
}

// What instruments send: confirmed values go into the form and are kept at once; a swiped card asks before it leads away.
const arriving = document.getElementById("arriving");
if (arriving) {
  followPanel((done) => {
    const replaced = fillForm(form, done);
    keepNow();
    return replaced;
  });
  askBeforeLeaving(arriving.dataset.draft, keepNow);
}
/** Keeps what is in the form; the promise is kept once the node has it, or could not take it. */
function keepNow() {
  if (!unkept) return Promise.resolve();
  clearTimeout(timer);
  const kept = new Promise((resolve) => form.addEventListener("cunyi:keeping-over", resolve, { once: true }));
  keep();
  return kept;
}

const marks = markTexts(form);
watchAnswers(form);
watchLabs(form);
watchReadings(form);
slideAssessment();

const calm = document.getElementById("no-complaints");
if (calm) {
  calm.addEventListener("click", () => {
    const history = form.elements.history_of_present_illness;
    if (!history.value.includes(calm.dataset.text)) history.value = `${history.value}${calm.dataset.text}`;
    marks.follow();
    keepSoon();
  });
}

// What was typed before this script was there is kept, too.
const early = Array.from(form.elements).some(
  (field) => field.type !== "hidden" && field.defaultValue !== undefined && field.value !== field.defaultValue,
);
if (early) keepSoon();
