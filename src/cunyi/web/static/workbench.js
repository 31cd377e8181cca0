// The workbench: marks in the text, one-tap answers, results by rows, the draft, the sliding assessment.
import { watchAnswers } from "./answers.js";
import { keepDraft } from "./draft.js";
import { markTexts } from "./highlight.js";
import { watchLabs } from "./labs.js";
import { slideAssessment } from "./panel.js";
import { watchReadings } from "./readings.js";

const form = document.getElementById("case");

// What the doctor opened stays open, and what is being typed is not touched.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
  !(name === "open" && node.tagName === "DETAILS") && !(name === "value" && node === document.activeElement);

const trouble = document.getElementById("trouble");
for (const event of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  form.addEventListener(event, () => (trouble.hidden = false));
}
form.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) trouble.hidden = true;
});

const marks = markTexts(form);
watchAnswers(form);
const labs = watchLabs(form);
watchReadings(form);
slideAssessment();
// Not before htmx listens: a draft that is brought back is assessed at once.
document.addEventListener("DOMContentLoaded", () => keepDraft(form, { labs, marks }));
