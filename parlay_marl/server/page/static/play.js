// The page at /play: it signs in, connects, and shows the choices or the table that the server sends.

import { el } from "./elements.js";
import { PAGE, TABLE } from "./text.js";
import { connect, token } from "./connection.js";
import { drawStart, signIn } from "./start.js";
import { buildTable } from "./table.js";
import { showBest } from "./end.js";

const main = document.getElementById("main"), banner = document.getElementById("connection"), dialog = document.getElementById("ask");
const chosen = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
let line = null, view = null, table = null, choices = null, isResuming = false;

function drawTheme() {
  const button = document.getElementById("theme"), root = document.documentElement, modes = ["system", "light", "dark"];
  let mode = localStorage.getItem("parlay.theme") || "system";
  const show = () => {
    if (mode === "system") delete root.dataset.theme;
    else root.dataset.theme = mode;
    button.textContent = PAGE.theme(mode);
  };
  button.addEventListener("click", () => {
    mode = modes[(modes.indexOf(mode) + 1) % modes.length];
    localStorage.setItem("parlay.theme", mode);
    show();
  });
  show();
}

// Ask before something that cannot be taken back.
function ask(text, onYes) {
  const button = (name, word, then) => el("button", { type: "button", id: name, onclick: () => { dialog.close(); then(); } }, word);
  dialog.replaceChildren(el("p", { id: "ask-text" }, text), el("div", { class: "buttons" }, button("ask-yes", TABLE.go, onYes), button("ask-no", TABLE.stay, () => {})));
  dialog.showModal();
}
function notice(text, action, onAction) {
  banner.hidden = !text;
  banner.replaceChildren(...(text ? [el("p", {}, text), action ? el("button", { type: "button", id: "retry", onclick: onAction }, action) : ""] : []));
}
function showError(text) {
  const place = document.getElementById("error");
  if (place) place.textContent = text;
}
const send = (message) => line.send(message) || showError(PAGE.lost);

function showStart() {
  view = table = null;
  drawStart(main, choices, chosen, send);
}
// The address may hold the code of an invitation, or choices for a game, as `parlay play --browser` gives them.
function joinFromLink() {
  const given = new URLSearchParams(location.hash.slice(1)), code = given.get("join");
  if (!code) return false;
  history.replaceState(null, "", location.pathname);
  token.set(null);
  return send({ type: "join", code });
}

const handlers = {
  choices(message) {
    const isFirst = !choices;
    choices = message;
    if (isResuming && token.get()) return; // the answer to the token comes next
    token.set(null);
    showStart();
    if (isFirst) joinFromLink();
  },
  table(message) {
    isResuming = false;
    token.set(message.token);
    if (!view || !table || table.token !== message.token) { view = buildTable(main, ask, send, choices); main.focus({ preventScroll: false }); }
    table = message;
    notice("");
    view.update(message);
  },
  best_reply(message) { showBest(message, table.deal); },
  moved_on(message) {
    const kept = token.get();
    line.stop();
    notice(message.error, PAGE.here, () => { token.set(kept); begin(); });
  },
  full(message) { notice(message.error, PAGE.retry, begin); },
  error(message) {
    if (isResuming) {
      isResuming = false;
      token.set(null);
      showStart();
      return showError(PAGE.forgotten);
    }
    return showError(message.error);
  },
};

const states = {
  open() { isResuming = token.get() !== null; if (!isResuming) notice(""); },
  lost() { notice(PAGE.lost); },
  gone() { notice(PAGE.gone, PAGE.retry, () => line.again()); },
  idle() { notice(PAGE.idle, PAGE.here, () => line.again()); },
};

function begin() {
  notice("");
  line = connect({ message: (message) => handlers[message.type](message), state: (name) => states[name]() });
}

async function start() {
  drawTheme();
  if (new URLSearchParams(location.hash.slice(1)).has("join")) token.set(null);
  const answer = await fetch("/play/session", { credentials: "same-origin" });
  if ((await answer.json()).signed_in) begin();
  else signIn(main, begin);
}
addEventListener("hashchange", () => { if (choices && !table) joinFromLink(); });
start();
