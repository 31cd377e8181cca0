// The villager's pages with a script: an answer survives a lost line, questions can be read aloud, numbers are tapped.
// Without it they are plain forms and do the same with whole pages.
const UNSENT = "cunyi-unsent";
const AGAIN = 5_000;
const LONGEST_RECORDING = 50_000;
const line = document.getElementById("line");
const words = document.body.dataset;
let sending = false;
let timer = 0;

function tell(text, good = false) {
  line.textContent = text;
  line.classList.toggle("good", good);
  line.hidden = !text;
}

// One answer can be unsent, as the next question comes with the reply to it. Nothing else is kept on the phone, least of all
// who the patient is: that waits in the page alone.
function kept() {
  try {
    return JSON.parse(localStorage.getItem(UNSENT));
  } catch {
    return null;
  }
}
function keep(unsent) {
  try {
    if (unsent?.durable) localStorage.setItem(UNSENT, JSON.stringify(unsent));
    else localStorage.removeItem(UNSENT);
  } catch {
    // A browser that keeps nothing: the answer waits in this page alone.
  }
  waiting = unsent;
}
let waiting = null;

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
      signal: AbortSignal.timeout?.(60_000),
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

// Dictation, only where the browser recognises speech itself, on this phone.
const Recogniser = window.SpeechRecognition;
async function offerDictation() {
  const field = document.querySelector("[data-dictate]");
  if (!field) return;
  const wanted = { langs: ["zh-CN"], processLocally: true };
  if ((await Recogniser?.available?.(wanted).catch(() => "")) !== "available") {
    if (field.isConnected) offerRecording(field);
    return;
  }
  if (!field.isConnected) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "big say", textContent: words.speak });
  let running = null;
  button.addEventListener("click", () => {
    if (running) {
      running.stop();
      return;
    }
    running = Object.assign(new Recogniser(), { lang: "zh-CN", processLocally: true, continuous: true });
    running.addEventListener("result", (event) => {
      for (const result of Array.from(event.results).slice(event.resultIndex)) if (result.isFinal) field.value += result[0].transcript;
    });
    running.addEventListener("end", () => {
      running = null;
      button.textContent = words.speak;
    });
    running.start();
    button.textContent = words.listening;
  });
  field.after(button);
}

/** Otherwise with the recogniser that the clinic has set, through the clinic's computer; said beside the button. */
function offerRecording(field) {
  if (!words.dictation || !navigator.mediaDevices || !window.MediaRecorder) return;
  const kind = ["audio/webm", "audio/ogg", "audio/mp4"].find((each) => MediaRecorder.isTypeSupported(each));
  if (!kind) return;
  const address = words.dictation;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "big say", textContent: words.speak });
  const note = Object.assign(document.createElement("p"), { className: "small", textContent: words.heardBy });
  note.setAttribute("role", "status");
  let running = null;
  button.addEventListener("click", async () => {
    if (running) {
      running.stop();
      return;
    }
    let microphone;
    try {
      microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      // Not allowed, or none there: writing is left.
      button.hidden = true;
      return;
    }
    running = new MediaRecorder(microphone, { mimeType: kind, audioBitsPerSecond: 24_000 });
    const pieces = [];
    running.addEventListener("dataavailable", (event) => pieces.push(event.data));
    running.addEventListener("stop", async () => {
      running = null;
      for (const track of microphone.getTracks()) track.stop();
      button.disabled = true;
      button.textContent = words.waiting;
      try {
        const answer = await fetch(address, { method: "POST", headers: { "Content-Type": kind }, body: new Blob(pieces) });
        const heard = await answer.json();
        if (answer.ok) field.value += heard.text;
        else note.textContent = heard.error.message;
      } catch {
        note.textContent = words.lost;
      }
      button.disabled = false;
      button.textContent = words.speak;
    });
    running.start();
    setTimeout(() => running?.stop(), LONGEST_RECORDING);
    button.textContent = words.listening;
  });
  field.after(button, note);
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

waiting = kept();
const link = /^\/v\/[^/]+/.exec(window.location.pathname)?.[0];
if (waiting && waiting.action.startsWith(`${link}/`)) {
  tell(words.lost);
  again();
} else if (waiting) keep(null);
begin();
