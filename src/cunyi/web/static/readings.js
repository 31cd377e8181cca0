// A pressure typed as a pair (150/90) goes into its two boxes.
const PAIR = /^\s*(\d{2,3})\s*[/／]\s*(\d{2,3})\s*(?:mmHg)?\s*$/i;

export function watchReadings(form) {
  const { systolic_mmhg: high, diastolic_mmhg: low } = form.elements;
  if (!high || !low) return;
  high.addEventListener("change", () => {
    const pair = PAIR.exec(high.value);
    if (!pair || (low.value.trim() && low.value.trim() !== pair[2])) return;
    [, high.value, low.value] = pair;
    low.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
