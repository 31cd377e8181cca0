// What is typed is kept by the node with every pause; what is not kept yet says so, and no way out loses it.
// It is never put into the browser's own storage: what is written about a patient stays inside the node's encrypted store.

const WAIT = 250;
const LONGEST_KEEPING = 10_000;
// Longer than this is told; shorter is the ordinary pause of a keeping.
const TELL_AFTER = 3_000;
const AGAIN_AFTER = 5_000;
// How long a page waits for what was sent when it was left before it takes its words as they are.
const WAIT_FOR_SENT = [100, 300, 600, 1_200];
const SENT = "cunyi-sent";

/** Keeps the form as it is typed; gives what keeps it soon, and at once with a promise of the node's answer. */
export function keepAsTyped(form) {
  const trouble = document.getElementById("trouble");
  const atSigning = document.getElementById("unkept-here");
  const address = form.getAttribute("hx-post");
  form.elements.window.value = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);

  let timer = 0;
  let slow = 0;
  let again = 0;
  let unkept = false;
  // Whether something was typed since the last keeping began: its answer does not speak for that.
  let typedSince = false;
  let typed = 0;
  let typedWhenSent = 0;
  let leaving = false;

  function keepSoon() {
    unkept = true;
    typedSince = true;
    typed += 1;
    clearTimeout(timer);
    timer = setTimeout(keep, WAIT);
    slow ||= setTimeout(tellUnkept, TELL_AFTER);
  }
  const nextStroke = () => {
    form.elements.stroke.value = String(Number(form.elements.stroke.value) + 1);
  };
  function keep() {
    nextStroke();
    htmx.trigger(form, "kept-later");
  }
  /** Keeps what is in the form; the promise is kept once the node has it, or could not take it. */
  function keepNow() {
    if (!unkept) return Promise.resolve();
    clearTimeout(timer);
    const kept = new Promise((resolve) => form.addEventListener("cunyi:keeping-over", resolve, { once: true }));
    keep();
    return kept;
  }
  form.addEventListener("input", keepSoon);
  form.addEventListener("change", keepSoon);
  document.addEventListener("cunyi:unlocked", keepSoon);
  window.addEventListener("online", keepNow);

  // The badge that says when it was saved, and the line at the button that signs, say when it is not.
  function tellUnkept() {
    const badge = document.getElementById("draft-status");
    if (badge.textContent !== trouble.dataset.badge) badge.textContent = trouble.dataset.badge;
    badge.classList.add("unkept");
    atSigning.hidden = false;
  }
  function tellKept() {
    clearTimeout(slow);
    slow = unkept ? setTimeout(tellUnkept, TELL_AFTER) : 0;
    trouble.hidden = true;
    atSigning.hidden = true;
  }

  // The keeping that runs; one that a newer one takes the place of is given up and says nothing.
  let keeping = null;
  form.addEventListener("htmx:abort", (event) => {
    // Other parts inside the form ask for themselves.
    if (event.target === form) keeping = null;
  });
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== form) return;
    keeping = event.detail.xhr;
    typedSince = false;
    clearTimeout(again);
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr, successful } = event.detail;
    if (elt !== form || xhr !== keeping) return;
    form.dispatchEvent(new Event("cunyi:keeping-over"));
    if (successful) {
      unkept = typedSince;
      form.elements.over.value = "";
      tellKept();
      return;
    }
    tellUnkept();
    // A locked screen asks for itself and the text is sent again after it.
    if (xhr.status === 423 || xhr.status === 401) return;
    let message = trouble.dataset.lost;
    try {
      message = JSON.parse(xhr.responseText).error.message;
    } catch {
      // No answer of the program: the words of the page stand.
    }
    if (trouble.hidden || trouble.textContent !== message) trouble.textContent = message;
    trouble.hidden = false;
    // What the program refused it refuses again; a node that did not answer may be back.
    if (xhr.status === 0 || xhr.status >= 500) again = setTimeout(keep, AGAIN_AFTER);
  });
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target.id === "draft-status") {
      form.elements.revision.value = document.getElementById("draft-status").dataset.revision;
    }
  });

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.dataset.question && !window.confirm(button.dataset.question)) {
      event.preventDefault();
      return;
    }
    leaving = true;
    clearTimeout(timer);
    nextStroke();
  });
  // The node did not answer to it: the page stays, and what is on it is not kept.
  form.addEventListener("cunyi:not-sent", () => {
    leaving = false;
    if (unkept) keep();
  });

  // A page that is reloaded, closed or put away sends what is not kept with a request that outlives it; the browser asks before.
  function sendAtLast() {
    if (!unkept || leaving || typedWhenSent === typed) return;
    typedWhenSent = typed;
    nextStroke();
    const headers = { "X-Requested-With": "cunyi" };
    fetch(address, { method: "POST", body: new FormData(form), headers, keepalive: true }).catch(() => {});
    // No word of the patient: which window and stroke was sent, for the page that comes next.
    sessionStorage.setItem(SENT, [address, form.elements.window.value, form.elements.stroke.value].join(" "));
  }
  window.addEventListener("beforeunload", (event) => {
    if (unkept && !leaving) event.preventDefault();
    sendAtLast();
  });
  window.addEventListener("pagehide", sendAtLast);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) sendAtLast();
  });

  // The page may have been asked for before what was sent at last had arrived: it is then shown again, with the last words.
  async function catchUp() {
    const [to, sentWindow, sentStroke] = (sessionStorage.getItem(SENT) ?? "").split(" ");
    sessionStorage.removeItem(SENT);
    const has = (words) => {
      const [keptWindow, keptStroke] = words.split(" ");
      return keptWindow === sentWindow && Number(keptStroke) >= Number(sentStroke);
    };
    if (to !== address || has(form.dataset.kept)) return;
    for (const wait of WAIT_FOR_SENT) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      const answer = await fetch(window.location.pathname, { headers: { "X-Requested-With": "cunyi" } });
      // What is typed meanwhile stays; both texts are then kept and shown to choose from.
      if (!answer.ok || unkept) return;
      const now = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("case");
      if (now && has(now.dataset.kept)) window.location.reload();
    }
  }
  catchUp().catch(() => {});

  // A way out of the page is taken once what was typed is kept; what could not be kept is asked about. Signing goes before it.
  let goingOut = false;
  document.addEventListener("click", async (event) => {
    const way = event.target.closest("a[href]");
    const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!unkept || !way || way.target || way.hash || !plain || event.defaultPrevented) return;
    event.preventDefault();
    if (goingOut) return;
    goingOut = true;
    document.body.setAttribute("aria-busy", "true");
    // Where no answer comes the browser asks about what is not kept; a way out is never without effect.
    await Promise.race([keepNow(), new Promise((resolve) => setTimeout(resolve, LONGEST_KEEPING))]);
    document.body.removeAttribute("aria-busy");
    goingOut = false;
    if (!leaving) window.location.assign(way.href);
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#keep-mine")) {
      form.elements.over.value = "yes";
      keep();
    }
  });

  // What was typed before this script was there is kept, too.
  const early = Array.from(form.elements).some(
    (field) => field.type !== "hidden" && field.defaultValue !== undefined && field.value !== field.defaultValue,
  );
  if (early) keepSoon();
  return { keepSoon, keepNow };
}
