// The draft: kept in this browser as it is typed, brought back after a reload, cleared with a way back.

const KEPT = "cunyi-draft";
const CLEARED = "cunyi-cleared";
const DEFAULTS = { age_unit: "years", order: "likely" };

/** What is in the form, as [name, value] in the order of the page. */
function entriesOf(form) {
  return Array.from(new FormData(form).entries());
}

function isEmpty(entries) {
  return entries.every(([name, value]) => value === "" || value === DEFAULTS[name]);
}

/** The entries of a case of the case format, for the example cases. */
export function entriesOfCase(given) {
  const entries = [];
  const put = (name, value) => entries.push([name, String(value)]);
  for (const [name, value] of Object.entries(given)) {
    if (name === "vitals") for (const [vital, reading] of Object.entries(value)) put(vital, reading);
    else if (name === "labs") {
      for (const lab of value) {
        put("lab_name", lab.name);
        put("lab_value", lab.value);
        put("lab_unit", lab.unit ?? "");
      }
    } else if (name === "age_years") {
      const months = value < 3 && value % 1 !== 0;
      put("age", months ? Math.round(value * 12) : value);
      put("age_unit", months ? "months" : "years");
    } else if (name === "pregnant") put("pregnant", value ? "yes" : "no");
    else if (Array.isArray(value)) put(name, value.join("\n"));
    else put(name, value);
  }
  return entries;
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? null;
  } catch {
    return null;
  }
}

function write(key, draft) {
  try {
    if (draft === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

/** Keeps the draft of the form. `labs` makes rows, `marks` draws the texts anew. */
export function keepDraft(form, { labs, marks }) {
  const status = document.getElementById("draft-status");
  const bringBack = document.getElementById("bring-back");

  const tell = (time) => {
    const hours = new Date(time).toTimeString().slice(0, 5);
    status.textContent = status.dataset.saved.replace("{time}", hours);
  };
  const save = () => {
    const entries = entriesOf(form);
    const draft = isEmpty(entries) ? null : { time: Date.now(), entries };
    if (!write(KEPT, draft)) return;
    if (draft) tell(draft.time);
    else status.textContent = "";
  };

  const fill = (entries) => {
    labs.makeRows(entries.filter(([name]) => name === "lab_name").length);
    const values = new Map();
    for (const [name, value] of entries) values.set(name, [...(values.get(name) ?? []), value]);
    for (const field of form.elements) {
      if (!field.name) continue;
      const given = values.get(field.name);
      if (field.type === "radio") {
        field.checked = field.value === (given?.[0] ?? DEFAULTS[field.name] ?? "");
      } else {
        field.value = given?.length ? given.shift() : (DEFAULTS[field.name] ?? "");
      }
    }
    marks.follow();
  };
  const setAside = () => {
    const entries = entriesOf(form);
    if (!isEmpty(entries)) write(CLEARED, { time: Date.now(), entries });
  };
  const assess = () => form.dispatchEvent(new Event("change"));

  form.addEventListener("input", save);
  form.addEventListener("change", save);

  document.getElementById("clear").addEventListener("click", () => {
    setAside();
    fill([]);
    assess();
    bringBack.hidden = read(CLEARED) === null;
    form.elements.namedItem("chief_complaint").focus();
  });
  bringBack.addEventListener("click", () => {
    const cleared = read(CLEARED);
    write(CLEARED, null);
    // What stands there now takes its place, so that this can be undone too.
    setAside();
    if (cleared) fill(cleared.entries);
    bringBack.hidden = read(CLEARED) === null;
    assess();
  });
  const examples = document.getElementById("examples");
  examples.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-example]");
    if (!button) return;
    const answer = await fetch("/workbench/examples.json");
    const cases = await answer.json();
    setAside();
    fill(entriesOfCase(cases[button.dataset.example]));
    examples.open = false;
    assess();
    bringBack.hidden = read(CLEARED) === null;
  });

  const kept = read(KEPT);
  if (kept) {
    fill(kept.entries);
    tell(kept.time);
    assess();
  } else {
    bringBack.hidden = read(CLEARED) === null;
  }
}
