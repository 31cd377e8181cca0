// One-tap answers and corrections: finding to status, kept in the form's hidden field, sent with it.

/** Makes every button that names a finding and a status record it; an empty status undoes. */
export function watchAnswers(form) {
  const store = form.elements.namedItem("answers");
  let tappedQuestion = false;

  form.addEventListener("click", (event) => {
    const whyNot = event.target.closest("[data-why-not]");
    if (whyNot) {
      const field = form.elements.namedItem("why_not");
      field.value = whyNot.dataset.whyNot;
      field.dispatchEvent(new Event("change", { bubbles: true }));
      return;
    }
    const button = event.target.closest("button[data-finding]");
    if (!button) return;
    const answers = store.value ? JSON.parse(store.value) : {};
    if (button.dataset.status) answers[button.dataset.finding] = button.dataset.status;
    else delete answers[button.dataset.finding];
    store.value = Object.keys(answers).length ? JSON.stringify(answers) : "";
    tappedQuestion = button.closest(".question, .answers") !== null;
    store.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // The question that was answered is gone: the keyboard goes on at the next one.
  form.addEventListener("htmx:afterSettle", () => {
    if (tappedQuestion && document.activeElement === document.body) {
      const next = form.querySelector(".question .tap");
      if (next) next.focus({ preventScroll: true });
    }
    tappedQuestion = false;
  });
}
