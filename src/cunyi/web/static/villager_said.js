// The villager's sentences beside the fields: checked with a tap, or no longer there because the doctor wrote it otherwise.
const form = document.getElementById("case");
const left = document.getElementById("villager-left");
const lines = Array.from(document.querySelectorAll("[data-sentence]"));
const checked = new Set(form.elements.villager_checked.value.split(",").filter(Boolean));

function judge(line) {
  const field = line.closest(".villager-said").previousElementSibling.querySelector("textarea");
  field.closest(".text-field").classList.add("from-villager");
  const stands = field.value.includes(line.querySelector(".sentence").textContent.trim());
  return stands ? (checked.has(line.dataset.sentence) ? "checked" : "open") : "changed";
}
function follow() {
  for (const line of lines) {
    const state = judge(line);
    const shown = line.querySelector(".state");
    line.dataset.state = state;
    shown.textContent = shown.dataset[state];
    line.querySelector("[data-check]").hidden = state !== "open";
  }
  const open = lines.filter((line) => line.dataset.state === "open").length;
  left.textContent = open ? left.dataset.left.replace("{num}", String(open)) : left.dataset.none;
}
form.addEventListener("input", follow);
form.addEventListener("click", (event) => {
  const one = event.target.closest("[data-check]");
  const all = event.target.closest("[data-check-all]");
  if (!one && !all) return;
  const tapped = one ? [one.closest("[data-sentence]")] : all.closest(".villager-said").querySelectorAll("[data-state=open]");
  for (const line of tapped) checked.add(line.dataset.sentence);
  form.elements.villager_checked.value = Array.from(checked).join(",");
  follow();
  form.dispatchEvent(new Event("change"));
});
follow();
