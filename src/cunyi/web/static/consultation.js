// Pictures that go with a question: made smaller on this page, without what the camera wrote beside them, and kept at once.
import { send } from "./lock.js";

const LONGEST_SIDE = 1600;
const MOST_BYTES = 450_000;
const QUALITIES = [0.85, 0.7, 0.55, 0.4];

/** A picture as a small JPEG: drawn anew, so that place, time and camera do not go along. */
async function small(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const canvas = document.createElement("canvas");
  let side = LONGEST_SIDE;
  for (;;) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const quality of QUALITIES) {
      const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
      if (made.size <= MOST_BYTES) return made;
    }
    side /= 1.5;
  }
}

for (const field of document.querySelectorAll("[data-pictures]")) {
  const words = field.dataset;
  const list = field.querySelector("[data-picture-list]");
  const trouble = field.querySelector("[data-picture-trouble]");
  const chooser = field.querySelector("input[type=file]");
  const fail = (message) => {
    trouble.textContent = message;
    trouble.hidden = !message;
  };

  function show(id) {
    const item = document.createElement("li");
    const picture = Object.assign(document.createElement("img"), { src: `/pictures/${id}`, alt: words.alt });
    const named = Object.assign(document.createElement("input"), { type: "hidden", name: "picture", value: id });
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: words.takeAway });
    button.className = "tap";
    button.dataset.forget = `/pictures/${id}/forget`;
    item.append(picture, named, button);
    list.append(item);
  }

  async function keep(file) {
    if (list.children.length >= Number(words.most)) return fail(words.tooMany);
    let made;
    try {
      made = await small(file);
    } catch {
      return fail(words.noPicture);
    }
    try {
      const headers = { "Content-Type": "image/jpeg" };
      const answer = await send(words.pictures, { method: "POST", body: made, headers });
      const said = await answer.json();
      if (!answer.ok) return fail(said.error.message);
      show(said.id);
      return fail("");
    } catch {
      return fail(words.lost);
    }
  }

  chooser.addEventListener("change", async () => {
    field.setAttribute("aria-busy", "true");
    for (const file of Array.from(chooser.files)) await keep(file);
    chooser.value = "";
    field.removeAttribute("aria-busy");
  });
  list.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-forget]");
    if (!button) return;
    const answer = await send(button.dataset.forget, { method: "POST" });
    if (answer.ok) button.closest("li").remove();
    else fail((await answer.json()).error.message);
  });
}
