// Readings of instruments as they arrive: whose they are, one tap to confirm, and into the form with them.
import { send } from "./lock.js";

/** Keeps the panel as the node has it and says whose readings arrive while this page is looked at. */
export function followPanel(take, confirmAt) {
  const panel = () => document.getElementById("arriving");
  if (!panel()) return;
  const { address, focus, draft } = panel().dataset;
  const confirming = confirmAt ?? address;

  const show = (html) => Idiomorph.morph(panel(), html, { morphStyle: "outerHTML" });
  const load = async () => {
    const answer = await send(address);
    if (answer.ok) show(await answer.text());
    return answer.ok;
  };
  const claim = () => {
    if (!document.hidden) send(focus, { method: "POST" });
  };
  // Refused, or the node does not answer: said in the panel, and the reading stays where it is.
  const refused = async (answer) => {
    const trouble = document.getElementById("arriving-trouble");
    trouble.textContent = answer ? (await answer.json()).error.message : trouble.dataset.lost;
    trouble.hidden = false;
  };
  const ask = async (where, body) => {
    let answer;
    try {
      answer = await send(where, { method: "POST", body });
    } catch {
      // No answer at all.
      await refused(null);
      return null;
    }
    if (answer.ok) return answer.json();
    await refused(answer);
    return null;
  };
  let busy = false;
  const work = async (what) => {
    if (busy) return;
    busy = true;
    try {
      await what();
    } finally {
      busy = false;
    }
  };
  const confirm = (id) =>
    work(async () => {
      const done = await ask(`${confirming}/${id}/confirm`);
      if (!done) return;
      show(done.html);
      const replaced = take(done);
      const said = document.getElementById("arriving-said");
      said.textContent = replaced.length
        ? said.dataset.replaced.replace("{values}", replaced.join("、"))
        : said.dataset.taken;
    });
  const confirmAll = () =>
    work(async () => {
      for (const row of document.querySelectorAll("#arriving [data-reading]")) {
        const done = await ask(`${confirming}/${row.dataset.reading}/confirm`);
        if (!done) return;
        take(done);
      }
      await load();
    });

  document.addEventListener("click", (event) => {
    const one = event.target.closest("#arriving [data-confirm]");
    if (one) confirm(one.dataset.confirm);
    if (event.target.closest("#arriving [data-confirm-all]")) confirmAll();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("#arriving form");
    if (!form) return;
    event.preventDefault();
    work(async () => {
      const body = new URLSearchParams(new FormData(form));
      const done = await ask(form.getAttribute("action"), body);
      if (done) show(done.html);
    });
  }, true);
  document.addEventListener("cunyi:reading", async ({ detail }) => {
    if (!(await load())) return;
    // Where the rules ask for no tap, it comes confirmed and only has to go into the form.
    if (detail.draft === draft && !document.getElementById(`arrived-${detail.reading}`)) confirm(detail.reading);
  });
  document.addEventListener("cunyi:listening", load);
  document.addEventListener("visibilitychange", claim);
  window.addEventListener("focus", claim);
  document.addEventListener("cunyi:unlocked", claim);
  claim();
}

/** A card swiped while somebody's record is written: who it is is asked, and nothing is left before that. */
export function askBeforeLeaving(beside, keep) {
  const asked = document.getElementById("card-asked");
  document.addEventListener("cunyi:card", async (event) => {
    event.preventDefault();
    const { token } = event.detail;
    await keep();
    const answer = await send(`/card/${token}/beside?draft=${beside}`);
    if (!answer.ok) return;
    asked.innerHTML = await answer.text();
    asked.hidden = false;
    asked.querySelector("a, button").focus();
  });
  asked.addEventListener("click", (event) => {
    if (!event.target.closest("[data-stay]")) return;
    asked.hidden = true;
    asked.replaceChildren();
  });
}

/** The fields of a confirmed reading into the encounter's form; what stood there before, in words. */
export function fillForm(form, { fields }) {
  const replaced = [];
  const put = (field, words, name) => {
    const before = field.value.trim();
    if (name && before && before !== words) replaced.push(`${name} ${before}`);
    field.value = words;
    field.classList.add("from-device");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  for (const [name, [words]] of Object.entries(fields)) {
    const field = form.elements[name];
    if (name.startsWith("lab_") || !field) continue;
    if (name === "auxiliary_examination") {
      if (!field.value.includes(words)) put(field, [field.value.trim(), words].filter(Boolean).join("\n"), "");
    } else put(field, words, form.querySelector(`label[for="${name}"] span`).textContent);
  }
  (fields.lab_name ?? []).forEach((name, at) => {
    const row = labRow(name);
    row.querySelector("[name=lab_name]").value = name;
    row.querySelector("[name=lab_unit]").value = fields.lab_unit[at];
    // Measured now, whatever day stood there.
    row.querySelector("[name=lab_on]").value = "";
    put(row.querySelector("[name=lab_value]"), fields.lab_value[at], name);
  });
  return replaced;
}

// A result goes into the row of its name, or into the first free one.
function labRow(name) {
  const rows = document.getElementById("lab-rows");
  const all = Array.from(rows.querySelectorAll(".lab-row"));
  const nameOf = (row) => row.querySelector("[name=lab_name]").value.trim();
  const row = all.find((known) => nameOf(known) === name) ?? all.find((known) => !nameOf(known));
  if (row) return row;
  rows.append(document.getElementById("lab-row").content.cloneNode(true));
  return rows.lastElementChild;
}
