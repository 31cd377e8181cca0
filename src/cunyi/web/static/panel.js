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
  // The sliding column begins where the triage band ends, which grows with its words and moves with the page.
  const verdict = button.parentElement;
  const below = () => column.style.setProperty("--below", `${Math.round(verdict.getBoundingClientRect().bottom)}px`);
  for (const event of ["scroll", "resize"]) window.addEventListener(event, below, { passive: true });
  document.body.addEventListener("htmx:afterSettle", below);
  below();

  // On a phone the record comes first: what is filled in more rarely is folded.
  if (window.matchMedia("(max-width: 699px)").matches) document.getElementById("person-more").open = false;

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
