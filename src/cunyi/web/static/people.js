// Finding people as words are typed, and the form of their details: what a document number says is filled in at once.
import { send } from "./lock.js";

const AGAIN_AFTER = 5_000;

const find = document.getElementById("find");
const form = document.getElementById("person-form");
if (find) findAsTyped();
if (form) {
  readNumbers();
  takeAges();
  addContacts();
  keepFromLosing();
}

function findAsTyped() {
  const words = document.getElementById("words");
  const trouble = document.getElementById("find-trouble");
  let openFirst = false;
  const results = () => document.getElementById("results");
  const lines = () => Array.from(results().querySelectorAll("a.line"));
  const fresh = () => results().dataset.words === words.value.trim();

  // The words may have been put there by the browser going back.
  if (!fresh()) htmx.trigger(find, "find");
  words.setSelectionRange(words.value.length, words.value.length);

  words.addEventListener("keydown", (event) => {
    // Enter that ends the choosing of a Chinese character is not meant for the list.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (fresh()) open();
      else {
        openFirst = true;
        htmx.trigger(find, "find");
      }
    }
    if (event.key === "ArrowDown" && lines().length) {
      event.preventDefault();
      lines()[0].focus();
    }
  });
  function open() {
    openFirst = false;
    if (words.value.trim() && lines().length) window.location.assign(lines()[0].href);
  }

  document.addEventListener("keydown", (event) => {
    const all = lines();
    const at = all.indexOf(event.target);
    if (at < 0 || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    if (next < 0) words.focus();
    else all[Math.min(next, all.length - 1)].focus();
  });

  find.addEventListener("input", () => {
    openFirst = false;
  });
  // Whoever went into the list stays in it when it is made anew.
  let place = -1;
  let shown = "";
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, shouldSwap, serverResponse } = event.detail;
    if (target.id !== "results" || !shouldSwap) return;
    trouble.hidden = true;
    // The same list again stays as it is, so that a line under a finger does not move.
    event.detail.shouldSwap = serverResponse !== shown;
    shown = serverResponse;
    place = lines().indexOf(document.activeElement);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    if (place >= 0) (lines()[Math.min(place, lines().length - 1)] ?? words).focus();
    if (openFirst && fresh()) open();
  });
  for (const kind of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.body.addEventListener(kind, (event) => {
      // A locked screen asks for itself and the search is made again after it.
      trouble.hidden = [401, 423].includes(event.detail.xhr?.status);
    });
  }
  document.addEventListener("cunyi:unlocked", () => htmx.trigger(find, "find"));
}

function readNumbers() {
  const birth = form.elements.birth_on;
  const sexes = document.getElementById("sex-field");
  const sex = () => form.querySelector("[name=sex]:checked")?.value ?? "";
  const setSex = (value) => {
    const field = form.querySelector(`[name=sex][value="${value}"]`);
    if (field) field.checked = true;
  };

  // A number that was typed before this script was there is read, too.
  window.addEventListener("load", () => {
    const typed = form.elements.identifier;
    if (typed.value !== typed.defaultValue) htmx.trigger(typed, "change");
  });
  // What the program filled in is its own to take back; what somebody typed is not.
  birth.addEventListener("input", () => delete birth.dataset.filled);
  sexes.addEventListener("change", () => delete sexes.dataset.filled);
  form.elements.identifier_kind.addEventListener("change", () => htmx.trigger(form.elements.identifier, "change"));

  form.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.path !== "/people/read-identifier") return;
    if (birth.dataset.filled) event.detail.parameters.birth_on = "";
    if (sexes.dataset.filled) event.detail.parameters.sex = "";
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    const says = document.getElementById("number-says");
    fill(says.dataset.birthOn ?? "", says.dataset.sex ?? "", false);
  });
  // Pressing the button must not take the cursor out of the number: that asks again, and the answer replaces the button
  // before it is let go.
  form.addEventListener("mousedown", (event) => {
    if (event.target.closest("[data-use-number]")) event.preventDefault();
  });
  form.addEventListener("click", (event) => {
    if (!event.target.closest("[data-use-number]")) return;
    const says = document.getElementById("number-says");
    fill(says.dataset.birthOn, says.dataset.sex, true);
    htmx.trigger(form.elements.identifier, "change");
    birth.focus();
  });

  function fill(born, said, over) {
    if (over || !birth.value.trim() || birth.dataset.filled) {
      if (birth.value !== born) birth.value = born;
      // A number says the very day.
      if (born) form.elements.birth_estimated.checked = false;
      mark(birth, born);
    }
    if (over || !sex() || sexes.dataset.filled) {
      setSex(said);
      mark(sexes, said);
    }
  }
  function mark(field, value) {
    if (value) field.dataset.filled = "yes";
    else delete field.dataset.filled;
  }
}

// An age stands for the year that it gives, which is shown at once, estimated.
function takeAges() {
  const birth = form.elements.birth_on;
  const says = document.getElementById("age-says");
  birth.addEventListener("change", () => {
    const [, age] = birth.value.normalize("NFKC").replace(/\s/g, "").match(/^(\d{1,3})(?:周?岁)?$/) ?? [];
    const year = Number(says.dataset.year) - Number(age);
    says.textContent = year >= 1900 ? says.dataset.taken.replace("{age}", Number(age)).replace("{year}", year) : "";
    if (!says.textContent) return;
    birth.value = year;
    form.elements.birth_estimated.checked = true;
  });
}

function addContacts() {
  const box = document.getElementById("contacts");
  const rows = box.querySelector("[data-contacts]");
  const add = box.querySelector("[data-add-contact]");
  add.hidden = false;
  add.addEventListener("click", () => {
    const index = rows.children.length;
    rows.append(box.querySelector("template").content.cloneNode(true));
    const row = rows.lastElementChild;
    for (const field of row.querySelectorAll("[id]")) {
      const id = field.id.replace(/new$/, index);
      row.querySelector(`[for="${field.id}"]`).htmlFor = id;
      field.id = id;
    }
    row.querySelector("[name=contact_guardian]").value = index;
    row.querySelector("input").focus();
  });
  // Enter in the search for a household looks for it and does not save.
  form.elements.household_words.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}

function keepFromLosing() {
  let changed = Boolean(document.getElementById("not-saved"));
  let leaving = false;
  let timer = 0;
  const keep = async () => {
    let answer;
    try {
      answer = await send("/people/typed", { method: "POST", body: new URLSearchParams(new FormData(form)) });
    } catch {
      // The node does not answer: it is tried again, and the way out asks as long as nothing is kept.
      timer = setTimeout(keep, AGAIN_AFTER);
      return;
    }
    if (!answer.ok) return;
    document.getElementById("kept").outerHTML = await answer.text();
    changed = false;
  };
  form.addEventListener("input", () => {
    changed = true;
    clearTimeout(timer);
    timer = setTimeout(keep, 800);
  });
  for (const sent of document.querySelectorAll("form")) {
    sent.addEventListener("submit", () => {
      leaving = sent === form;
    });
  }
  form.addEventListener("cunyi:not-sent", () => {
    leaving = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed && !leaving) event.preventDefault();
  });
}
