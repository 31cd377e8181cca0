// Draws what was recognised behind the words of each text. The marks come with the chips under the text; while the
// doctor types on, marks before and after the edit stay on their words and touched ones go.

/** Marks as they stand after the text was edited: positions count code points. */
export function shiftMarks(marks, before, after) {
  const from = Array.from(before);
  const to = Array.from(after);
  const shortest = Math.min(from.length, to.length);
  let head = 0;
  while (head < shortest && from[head] === to[head]) head += 1;
  let tail = 0;
  while (tail < shortest - head && from[from.length - 1 - tail] === to[to.length - 1 - tail]) tail += 1;
  const moved = to.length - from.length;
  const kept = [];
  for (const mark of marks) {
    if (mark.end <= head) kept.push(mark);
    else if (mark.start >= from.length - tail) kept.push({ ...mark, start: mark.start + moved, end: mark.end + moved });
  }
  return kept;
}

/** Pieces of a text with the mark of each, none overlapping: the first mark of a place wins. */
export function pieces(text, marks) {
  const points = Array.from(text);
  const result = [];
  let at = 0;
  for (const mark of [...marks].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (mark.start < at || mark.end > points.length) continue;
    if (mark.start > at) result.push({ text: points.slice(at, mark.start).join(""), mark: null });
    result.push({ text: points.slice(mark.start, mark.end).join(""), mark: mark.mark });
    at = mark.end;
  }
  if (at < points.length) result.push({ text: points.slice(at).join(""), mark: null });
  return result;
}

class MarkedText {
  constructor(root) {
    this.area = root.querySelector("textarea");
    this.backdrop = root.querySelector(".backdrop");
    this.chips = root.querySelector(".chips");
    this.marks = [];
    this.text = this.area.value;
    this.sent = this.text;
    this.area.addEventListener("input", () => this.follow());
    this.draw();
  }

  follow() {
    this.marks = shiftMarks(this.marks, this.text, this.area.value);
    this.text = this.area.value;
    this.draw();
  }

  receive() {
    const marks = Array.from(this.chips.querySelectorAll("[data-spans]")).flatMap((chip) =>
      chip.dataset.spans
        .trim()
        .split(" ")
        .map((span) => span.split("-").map(Number))
        .map(([start, end]) => ({ start, end, mark: chip.dataset.mark })),
    );
    this.text = this.area.value;
    this.marks = shiftMarks(marks, this.sent, this.text);
    this.draw();
  }

  draw() {
    this.backdrop.replaceChildren(
      ...pieces(this.text, this.marks).map((piece) => {
        if (piece.mark === null) return document.createTextNode(piece.text);
        const span = document.createElement("span");
        span.className = `mark mark-${piece.mark}`;
        span.textContent = piece.text;
        return span;
      }),
      // A last empty line has its height too.
      document.createTextNode("\n"),
    );
  }
}

/** Keeps the marks of every text of the form; returns a way to draw anew after the texts were set from outside. */
export function markTexts(form) {
  const texts = Array.from(form.querySelectorAll(".text-field"), (root) => new MarkedText(root));
  // Other requests from within the form bring no marks.
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== form) return;
    for (const text of texts) text.sent = text.area.value;
  });
  form.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.requestConfig && event.detail.requestConfig.elt !== form) return;
    for (const text of texts) text.receive();
  });
  return { follow: () => texts.forEach((text) => text.follow()) };
}
