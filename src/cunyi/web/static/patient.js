// The villager's pages with a script: an answer survives a lost line, questions can be read aloud, numbers are tapped.
// Without it they are plain forms and do the same with whole pages.
const UNSENT = "cunyi-unsent";
const AGAIN = 5_000;
const LONGEST_RECORDING = 50_000;
const LONGEST_WAIT = 60_000;
const line = document.getElementById("line");
const words = document.body.dataset;
let sending = false;
let timer = 0;

function tell(text, good = false) {
  line.textContent = text;
  line.classList.toggle("good", good);
  line.hidden = !text;
}

// One answer of an interview can be unsent, as the next question comes with the reply to it. Nothing else is kept on the phone, least
// of all who the patient is: that waits in the page alone. Each is kept under the address of its interview, as two villagers may share a phone.
const place = (address) => /^\/v\/[^/]+(?=\/|$)/.exec(address)?.[0] ?? "";
const key = (address) => `${UNSENT} ${place(address)}`;
function kept(address) {
  try {
    return JSON.parse(localStorage.getItem(key(address)));
  } catch {
    return null;
  }
}
function store(address, unsent) {
  try {
    if (unsent) localStorage.setItem(key(address), JSON.stringify(unsent));
    else localStorage.removeItem(key(address));
  } catch {
    // A browser that keeps nothing: the answer waits in this page alone.
  }
}
function keep(unsent) {
  const address = unsent?.action ?? waiting?.action ?? window.location.pathname;
  store(address, unsent?.durable ? unsent : null);
  waiting = unsent;
}
let waiting = null;

/** Answers of interviews that are not open here go where they belong; this page shows nothing of them, as somebody else may hold the phone. */
async function sendOthers() {
  let addresses = [];
  try {
    addresses = Object.keys(localStorage).filter((each) => each.startsWith(`${UNSENT} `)).map((each) => each.slice(UNSENT.length + 1));
  } catch {
    return;
  }
  let left = false;
  for (const address of addresses.filter((each) => each !== place(window.location.pathname))) {
    const unsent = kept(address);
    try {
      const answer = await fetch(unsent.action, { method: "POST", body: new URLSearchParams(unsent.fields), redirect: "manual", signal: AbortSignal.timeout?.(LONGEST_WAIT) });
      if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
      store(address, null);
    } catch {
      left = true;
    }
  }
  if (left) setTimeout(sendOthers, AGAIN);
}

/** Sends a form and shows the page that comes back; what cannot be sent now is sent when the line is back. */
async function send(unsent) {
  if (sending) return;
  sending = true;
  document.getElementById("main").setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(unsent.action, {
      method: "POST",
      body: new URLSearchParams(unsent.fields),
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout?.(LONGEST_WAIT),
    });
    if (answer.status >= 500) throw new Error(String(answer.status));
    const late = waiting !== null;
    keep(null);
    clearTimeout(timer);
    show(await answer.text(), new URL(answer.url));
    tell(late ? words.back : "", true);
  } catch {
    keep(unsent);
    tell(words.lost);
    clearTimeout(timer);
    timer = setTimeout(again, AGAIN);
  } finally {
    sending = false;
    document.getElementById("main").removeAttribute("aria-busy");
  }
}
function again() {
  if (waiting) send(waiting);
}
window.addEventListener("online", again);
document.addEventListener("visibilitychange", () => document.hidden || again());

/** Puts the page that came into this one, so that a slow line loads no more than the words. */
function show(html, url) {
  if (!url.pathname.startsWith("/v")) {
    window.location.assign(url);
    return;
  }
  const page = new DOMParser().parseFromString(html, "text/html");
  drop();
  document.getElementById("main").replaceWith(page.getElementById("main"));
  document.querySelector("footer").replaceWith(page.querySelector("footer"));
  document.title = page.title;
  for (const name of ["over", "again", "dictation", "heardBy", "waiting"]) {
    if (page.body.dataset[name]) words[name] = page.body.dataset[name];
    else delete words[name];
  }
  // The address of the link, so that loading the page again goes on with it.
  if (/^\/v\/[^/]+$/.test(url.pathname) && url.pathname !== window.location.pathname) history.replaceState(null, "", url.pathname);
  window.scrollTo(0, 0);
  document.getElementById("main").focus({ preventScroll: true });
  begin();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("main") || form.method !== "post") return;
  event.preventDefault();
  // Who taps on while speaking means what is said as part of the answer: its words come first, to be looked at.
  if (saying?.finish && form.contains(saying.field) && event.submitter?.name !== "unknown") {
    saying.finish();
    return;
  }
  drop();
  const fields = Array.from(new FormData(form));
  if (event.submitter?.name) fields.push([event.submitter.name, event.submitter.value]);
  silence();
  const durable = form.dataset.keep !== undefined;
  const unsent = { action: new URL(form.action).pathname, fields, durable };
  // What waits is sent first: a second tap changes the answer, nothing else overtakes it.
  if (waiting && !durable) return;
  send(unsent);
});

// Reading aloud, where the phone has a voice of its own: words of a patient go to no other computer.
const speech = window.speechSynthesis;
function voice() {
  const language = document.documentElement.lang;
  return speech?.getVoices().find((each) => each.localService && each.lang.toLowerCase().startsWith(language)) ?? null;
}
function silence() {
  speech?.cancel();
}
function offerReading() {
  if (!voice() || document.querySelector(".say-aloud")) return;
  const first = document.querySelector("main [data-say]");
  if (!first) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet say say-aloud", textContent: words.read });
  button.addEventListener("click", () => {
    if (speech.speaking) {
      silence();
      return;
    }
    const said = Array.from(document.querySelectorAll("main [data-say]"), (each) => each.innerText).join("。");
    const utterance = Object.assign(new SpeechSynthesisUtterance(said), { voice: voice(), rate: 0.85 });
    utterance.lang = utterance.voice.lang;
    utterance.addEventListener("end", () => (button.textContent = words.read));
    button.textContent = words.quiet;
    speech.speak(utterance);
  });
  first.after(button);
}
speech?.addEventListener?.("voiceschanged", offerReading);
window.addEventListener("pagehide", silence);

// Speaking instead of writing. One at a time: `finish` gives the words of what is being said, `drop` forgets it.
let saying = null;
function drop() {
  const dropped = saying;
  saying = null;
  dropped?.drop();
}

/** Behind what stands there, as a sentence of its own: run together, “no fever” and “chest pain” would deny both. */
function write(field, said) {
  const before = field.value.trimEnd();
  field.value = before + (!before || /\p{P}$/u.test(before) ? "" : "。") + said;
  field.scrollTop = field.scrollHeight;
}

/** An error with what the person is told of it. */
function told(text) {
  return Object.assign(new Error(text), { told: text });
}

/** A button that speaks into a field with `listen`; under it what came of it, and the `promise` of where the words come from. */
function offerSpeaking(field, listen, promise) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "big say", textContent: words.speak });
  const note = Object.assign(document.createElement("p"), { className: "small" });
  note.setAttribute("role", "status");
  const say = (text, wrong) => Object.assign(note, { textContent: text, className: wrong ? "wrong" : "small" });
  function become(text, listening = false) {
    button.textContent = text;
    button.classList.toggle("listening", listening);
  }
  button.addEventListener("click", async () => {
    if (saying) {
      saying.finish?.();
      return;
    }
    const mine = { field, finish: null, drop() {} };
    saying = mine;
    say("");
    let trouble = "";
    try {
      await listen(mine, become);
    } catch (error) {
      trouble = error.told ?? words.unheard;
    }
    // Of what was dropped nothing is said.
    if (saying === mine) {
      saying = null;
      say(trouble || words.check, trouble);
    }
    if (!saying) become(words.speak);
  });
  field.after(button, note);
  if (promise) note.after(Object.assign(document.createElement("p"), { className: "small", textContent: promise }));
}

// Where the browser recognises speech itself, on this phone, nothing leaves it.
const Recogniser = window.SpeechRecognition;
async function offerDictation() {
  const field = document.querySelector("[data-dictate]");
  if (!field) return;
  const wanted = { langs: ["zh-CN"], processLocally: true };
  const itself = (await Recogniser?.available?.(wanted).catch(() => "")) === "available";
  if (!field.isConnected) return;
  if (itself) offerSpeaking(field, recognise);
  else offerRecording(field);
}
function recognise(mine, become) {
  return new Promise((resolve, reject) => {
    const running = Object.assign(new Recogniser(), { lang: "zh-CN", processLocally: true, continuous: true });
    let begun = false;
    let why = words.unheard;
    running.addEventListener("result", (event) => {
      if (saying !== mine) return;
      for (const result of Array.from(event.results).slice(event.resultIndex)) {
        if (!result.isFinal) continue;
        if (begun) mine.field.value += result[0].transcript;
        else write(mine.field, result[0].transcript);
        begun = true;
      }
    });
    running.addEventListener("error", (event) => {
      if (event.error === "not-allowed") why = words.denied;
    });
    running.addEventListener("end", () => (begun ? resolve() : reject(told(why))));
    mine.finish = () => running.stop();
    mine.drop = () => running.abort();
    running.start();
    become(words.listening, true);
  });
}

/** Otherwise with the recogniser that the clinic has set, through the clinic's computer; said beside the button. */
function offerRecording(field) {
  if (!words.dictation || !navigator.mediaDevices || !window.MediaRecorder) return;
  const kind = ["audio/webm", "audio/ogg", "audio/mp4"].find((each) => MediaRecorder.isTypeSupported(each));
  if (!kind) return;
  const address = words.dictation;
  async function listen(mine, become) {
    const over = new AbortController();
    mine.drop = () => over.abort();
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => {
      throw told(words.denied);
    });
    let recording;
    try {
      if (saying !== mine) return;
      recording = await recorded(microphone, kind, mine, become);
    } finally {
      for (const track of microphone.getTracks()) track.stop();
    }
    if (saying !== mine) return;
    become(words.waiting);
    const late = setTimeout(() => over.abort(), LONGEST_WAIT);
    try {
      const answer = await fetch(address, { method: "POST", headers: { "Content-Type": kind }, body: recording, signal: over.signal });
      const heard = await answer.json();
      if (!answer.ok) throw told(heard.error.message);
      if (saying === mine) write(field, heard.text);
    } finally {
      clearTimeout(late);
    }
  }
  offerSpeaking(field, listen, words.heardBy);
}

/** What the microphone hears until it is finished or dropped, or has become too long. */
function recorded(microphone, kind, mine, become) {
  return new Promise((resolve) => {
    const recorder = new MediaRecorder(microphone, { mimeType: kind, audioBitsPerSecond: 24_000 });
    const pieces = [];
    const end = () => recorder.state !== "inactive" && recorder.stop();
    const long = setTimeout(end, LONGEST_RECORDING);
    const { drop } = mine;
    recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    recorder.addEventListener("stop", () => {
      clearTimeout(long);
      resolve(new Blob(pieces));
    });
    mine.finish = end;
    mine.drop = () => {
      drop();
      end();
    };
    recorder.start();
    become(words.listening, true);
  });
}

/** Keys large enough for a thumb, in place of the phone's keyboard. */
function offerKeys() {
  for (const field of document.querySelectorAll("[data-pad]")) {
    const pad = Object.assign(document.createElement("div"), { className: "pad" });
    for (const key of ["1", "2", "3", "4", "5", "6", "7", "8", "9", ".", "0", "⌫"]) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: key });
      if (key === "⌫") button.setAttribute("aria-label", words.erase);
      button.addEventListener("click", () => {
        field.value = key === "⌫" ? field.value.slice(0, -1) : (field.value + key).slice(0, field.maxLength);
      });
      pad.append(button);
    }
    field.inputMode = "none";
    field.closest(".number").after(pad);
  }
}

function begin() {
  if (words.over) keep(null);
  offerReading();
  offerDictation();
  offerKeys();
  // Until the clinic has seen the emergency, the page looks whether it has.
  if (words.again) setTimeout(lookAgain, AGAIN);
}
async function lookAgain() {
  if (!words.again) return;
  try {
    const answer = await fetch(window.location.pathname, { headers: { Accept: "text/html" } });
    const html = await answer.text();
    // Thrown away meanwhile: what is to be done stands on the page all the same.
    if (!answer.ok) return;
    if (!new DOMParser().parseFromString(html, "text/html").body.dataset.again) show(html, new URL(answer.url));
  } catch {
    // No line: what is to be done stands on the page.
  }
  if (words.again) setTimeout(lookAgain, AGAIN);
}

waiting = kept(window.location.pathname);
if (waiting) {
  tell(words.lost);
  again();
}
sendOthers();
begin();
