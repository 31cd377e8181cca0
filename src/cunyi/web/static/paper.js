// A paper report: the photograph is sent once, what is typed is kept, a changed row has to be confirmed again.
import { send } from "./lock.js";

const photo = document.getElementById("paper-photo");
const rows = document.getElementById("paper-rows");
const WAIT = 500;

photo.addEventListener("submit", (event) => {
  const files = Array.from(photo.querySelectorAll("input[type=file]"), (input) => input.files[0]);
  const tooLarge = files.some((file) => file && file.size > Number(photo.dataset.most));
  document.getElementById("photo-too-large").hidden = !tooLarge;
  if (tooLarge) {
    event.preventDefault();
    return;
  }
  const status = document.getElementById("reading");
  status.textContent = status.dataset.busy;
  document.getElementById("read-photo").setAttribute("aria-busy", "true");
});

if (rows) {
  const trouble = document.getElementById("paper-trouble");
  const names = document.getElementById("item-names");
  let timer = 0;
  let unkept = false;
  let leaving = false;
  let asked = 0;

  const fail = (message) => {
    trouble.textContent = message || trouble.dataset.lost;
    trouble.hidden = false;
  };

  async function keep() {
    asked += 1;
    const number = asked;
    try {
      const answer = await send(rows.dataset.keep, { method: "POST", body: new URLSearchParams(new FormData(rows)) });
      // A newer change is on its way and brings its own answer.
      if (number !== asked) return;
      if (!answer.ok) {
        fail((await answer.json()).error.message);
        return;
      }
      const kept = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.getElementById("paper-kept").textContent = kept.getElementById("kept").textContent;
      for (const list of kept.querySelectorAll("[data-row]")) {
        const row = rows.querySelector(`li[data-row="${CSS.escape(list.dataset.row)}"]`);
        if (!row) continue;
        row.querySelector("[data-doubts]").replaceChildren(...list.children);
        row.classList.toggle("doubtful", Boolean(row.querySelector("[data-doubts] li")));
      }
      trouble.hidden = true;
      unkept = false;
    } catch {
      fail();
    }
  }
  function keepSoon() {
    unkept = true;
    clearTimeout(timer);
    timer = setTimeout(keep, WAIT);
  }

  rows.addEventListener("input", (event) => {
    if (event.target.name === "theirs") return;
    if (event.target.name !== "sure") {
      // What was confirmed is what stood there before.
      event.target.closest("li").querySelector("[name=sure]").checked = false;
    }
    keepSoon();
  });
  rows.addEventListener("change", (event) => {
    if (event.target.name !== "name") return;
    const option = Array.from(names.options).find((known) => known.value === event.target.value);
    const unit = event.target.closest("li").querySelector("[name=unit]");
    if (option && !unit.value) {
      unit.value = option.dataset.unit;
      keepSoon();
    }
  });
  // What was changed before this script was there is confirmed again, too.
  for (const row of rows.querySelectorAll("li[data-row]")) {
    const sure = row.querySelector("[name=sure]");
    const boxes = Array.from(row.querySelectorAll("input:not([type=checkbox]):not([type=hidden])"));
    if (boxes.some((box) => box.value !== box.defaultValue)) {
      if (sure) sure.checked = false;
      keepSoon();
    }
  }
  // Enter in a box confirms nothing and sends nothing.
  rows.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
  });
  document.getElementById("forget").addEventListener("click", (event) => {
    if (!window.confirm(event.target.dataset.question)) event.preventDefault();
  });
  rows.addEventListener("submit", () => {
    leaving = true;
  });
  rows.addEventListener("cunyi:not-sent", () => {
    leaving = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (unkept && !leaving) event.preventDefault();
  });
}
