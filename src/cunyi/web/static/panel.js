// On a tablet the assessment slides over the record, and on a phone the page goes to it.

/** Opens and closes the assessment; Escape closes it. */
export function slideAssessment() {
  const button = document.getElementById("show-assessment");
  const column = document.getElementById("assessment-column");
  const slides = window.matchMedia("(min-width: 700px) and (max-width: 1279px)");

  const show = (open) => {
    column.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? button.dataset.hide : button.dataset.show;
  };
  button.addEventListener("click", () => {
    if (slides.matches) show(!column.classList.contains("open"));
    else column.scrollIntoView({ block: "start" });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && column.classList.contains("open")) {
      show(false);
      button.focus();
    }
  });
}
