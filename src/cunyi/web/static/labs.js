// Test results by rows: add, remove, and the usual unit filled in for a known test.

/** Watches the rows; returns a way to make as many as a draft needs. */
export function watchLabs(form) {
  const rows = document.getElementById("lab-rows");
  const template = document.getElementById("lab-row");
  const names = document.getElementById("item-names");

  const add = () => rows.append(template.content.cloneNode(true));

  document.getElementById("add-lab").addEventListener("click", () => {
    add();
    rows.lastElementChild.querySelector("input").focus();
  });
  rows.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-row]");
    if (!button) return;
    button.closest(".lab-row").remove();
    if (!rows.children.length) add();
    form.dispatchEvent(new Event("change"));
    rows.querySelector("input").focus();
  });
  rows.addEventListener("change", (event) => {
    if (event.target.name !== "lab_name") return;
    const option = Array.from(names.options).find((known) => known.value === event.target.value);
    const unit = event.target.closest(".lab-row").querySelector("[name=lab_unit]");
    if (option && !unit.value) unit.value = option.dataset.unit;
  });

  return {
    makeRows(count) {
      rows.replaceChildren();
      for (let row = 0; row < Math.max(1, count); row += 1) add();
    },
  };
}
