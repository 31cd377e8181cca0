// The encounter: kept as it is typed, assessed with the same request; rows, one-tap answers, what instruments send.
import { watchAnswers } from "./answers.js";
import { askBeforeLeaving, fillForm, followPanel } from "./arriving.js";
import { markTexts } from "./highlight.js";
import { keepAsTyped } from "./keeping.js";
import { watchLabs } from "./labs.js";
import { slideAssessment } from "./panel.js";
import { watchReadings } from "./readings.js";

const form = document.getElementById("case");

// What the doctor opened stays open, and what is being typed is not touched.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
  !(name === "open" && node.tagName === "DETAILS") && !(name === "value" && node === document.activeElement);

const { keepSoon, keepNow } = keepAsTyped(form);

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
