// The locked screen over the page: what is being written stays where it is until the doctor is back.

const dialog = document.getElementById("unlock-dialog");
const form = document.getElementById("unlock-form");
const trouble = document.getElementById("unlock-trouble");
const lockNow = document.getElementById("lock-now");
const unreachable = document.getElementById("unreachable");
const waiting = [];
const LONGEST_WAIT = 10_000;

/** Asks for the PIN or password over the page; the promise is kept once the session goes on. */
export function askToUnlock() {
  if (!dialog.open) dialog.showModal();
  document.getElementById("unlock-secret").focus();
  return new Promise((resolve) => waiting.push(resolve));
}

/** Like fetch, for requests in the background: a locked screen is unlocked first and the request sent again; `patience` in ms. */
export async function send(address, options = {}) {
  const { patience, ...plain } = options;
  const headers = { "X-Requested-With": "cunyi", ...options.headers };
  const signal = patience ? AbortSignal.timeout?.(patience) : undefined;
  const answer = await fetch(address, { ...plain, headers, signal });
  if (answer.status === 423) {
    await askToUnlock();
    return send(address, options);
  }
  if (answer.status === 401) {
    await askToLogIn();
    return send(address, options);
  }
  return answer;
}

// A session that ended needs the login page; it opens beside this one, which keeps what was typed.
function askToLogIn() {
  window.open("/login?next=/back", "_blank", "noopener");
  return new Promise((resolve) => window.addEventListener("focus", resolve, { once: true }));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("/unlock", {
    method: "POST",
    headers: { "X-Requested-With": "cunyi" },
    body: new URLSearchParams(new FormData(form)),
  });
  form.elements.secret.value = "";
  if (answer.ok) {
    trouble.hidden = true;
    dialog.close();
    while (waiting.length) waiting.pop()();
    document.dispatchEvent(new Event("cunyi:unlocked"));
    rest();
    return;
  }
  if (answer.status === 401) {
    window.location.assign(`/login?next=${encodeURIComponent(window.location.pathname)}`);
    return;
  }
  trouble.textContent = (await answer.json()).error.message;
  trouble.hidden = false;
  form.elements.secret.focus();
});
// Escape must not lift the lock.
dialog.addEventListener("cancel", (event) => event.preventDefault());

document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 423) askToUnlock();
  if (event.detail.xhr.status === 401) askToLogIn();
});

// A form is sent only when somebody is signed in: a session that ended while typing is renewed first, and nothing is lost.
document.addEventListener("submit", async (event) => {
  const sent = event.target;
  if (event.defaultPrevented || sent.method !== "post" || sent === form || !sent.closest("main")) return;
  event.preventDefault();
  const button = event.submitter;
  unreachable.hidden = true;
  try {
    await send("/here", { patience: LONGEST_WAIT });
  } catch {
    tellUnreachable(sent, button);
    return;
  }
  if (button?.name) {
    const chosen = document.createElement("input");
    Object.assign(chosen, { type: "hidden", name: button.name, value: button.value });
    sent.append(chosen);
  }
  if (button?.hasAttribute("formaction")) sent.action = button.formAction;
  sent.submit();
});

// A node that does not answer: said beside what was pressed, and the page knows that it was not left.
function tellUnreachable(sent, button) {
  unreachable.textContent = button?.dataset.unreachable ?? unreachable.dataset.lost;
  (button?.closest(".taps, .pair") ?? button ?? sent.lastElementChild).after(unreachable);
  unreachable.hidden = false;
  sent.dispatchEvent(new Event("cunyi:not-sent"));
}

async function lock() {
  await fetch("/lock", { method: "POST", headers: { "X-Requested-With": "cunyi" } });
  askToUnlock();
}
lockNow.addEventListener("submit", (event) => {
  event.preventDefault();
  lock();
});

let timer = 0;
function rest() {
  clearTimeout(timer);
  if (!dialog.open) timer = setTimeout(lock, Number(lockNow.dataset.minutes) * 60_000);
}
for (const kind of ["pointerdown", "keydown", "input"]) document.addEventListener(kind, rest, { passive: true });
rest();
