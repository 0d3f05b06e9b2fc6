// Before a game: the sign-in, and the choice of a deal, a seat and somebody to bargain with.

import { el } from "./elements.js";
import { HTML, START, PAGE, SIGN_IN } from "./text.js";

const field = (label, id, control, note) =>
  el("div", { class: "field" }, el("label", { for: id }, label), control, note);

export function signIn(main, onDone) {
  const input = el("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  const error = el("p", { class: "error", role: "alert" });
  async function submit(event) {
    event.preventDefault();
    const body = JSON.stringify({ token: input.value.trim() });
    const answer = await fetch("/play/sign-in", { method: "POST", headers: { "Content-Type": "application/json" }, body, credentials: "same-origin" });
    if (answer.ok) return onDone();
    error.textContent = (await answer.json().catch(() => ({}))).error || SIGN_IN.wrong;
    input.focus();
  }
  main.replaceChildren(el("h1", {}, SIGN_IN.title),
    el("form", { class: "panel form", onsubmit: submit }, el("p", {}, SIGN_IN.lede), field(SIGN_IN.label, "token", input),
      error, el("button", { class: "main", type: "submit" }, SIGN_IN.button)));
  input.focus();
}

const PERSON = "*person";

// The form for a new game; what was chosen last is chosen again.
export function drawStart(main, choices, chosen, send) {
  const option = ([value, text]) => el("option", { value }, text);
  const list = (id, options, value, onchange) => {
    const made = el("select", { id, onchange }, options.map(option));
    if (options.some(([known]) => known === value)) made.value = value;
    return made;
  };
  const about = el("p", { class: "note", id: "deal-about" }), who = el("p", { class: "note", id: "opponent-about" });
  const scenario = list("scenario", choices.scenarios.map((s) => [s.name, s.title]), chosen.scenario || "saas_enterprise", tell);
  const people = choices.opponents.map((o) => [o.name, o.title || o.name]);
  const opponent = list("opponent", [...people, ...(choices.invites ? [[PERSON, START.person]] : [])], chosen.opponent || "diplomat", tell);
  const lengths = [...new Set([...choices.rounds.map(String), ...(chosen.max_rounds ? [chosen.max_rounds] : [])])];
  const rounds = list("rounds", [["", START.usual()], ...lengths.map((n) => [n, n])], chosen.max_rounds || "");
  const seats = ["buyer", "seller"].map((seat) => el("label", { class: "check" },
    el("input", { type: "radio", name: "seat", value: seat, checked: (chosen.role || "buyer") === seat }), START[seat]));
  const seed = el("input", { id: "seed", inputmode: "numeric", pattern: "[0-9]{1,20}", value: chosen.deal || "", autocomplete: "off", "aria-describedby": "seed-about" });
  const code = el("input", { id: "code", autocomplete: "off", required: true });
  function tell() {
    const deal = choices.scenarios.find((s) => s.name === scenario.value), other = choices.opponents.find((o) => o.name === opponent.value);
    rounds.options[0].textContent = START.usual(deal.rounds);
    about.textContent = [deal.story, deal.is_family ? START.family : "", deal.terms.length ? START.terms(deal.terms) : ""].filter(Boolean).join(" ");
    who.textContent = opponent.value === PERSON ? START.personAbout : (other && other.summary) || "";
  }
  function begin(event) {
    event.preventDefault();
    const role = main.querySelector("input[name=seat]:checked").value, invite = opponent.value === PERSON;
    Object.assign(chosen, { scenario: scenario.value, opponent: opponent.value, max_rounds: rounds.value, role, deal: seed.value });
    send({
      type: "begin", scenario: scenario.value, role, invite, ...(invite ? {} : { opponent: opponent.value }),
      ...(rounds.value ? { max_rounds: Number(rounds.value) } : {}), ...(seed.value ? { deal: seed.value } : {}),
      ...Object.fromEntries(["opener", "rules"].filter((name) => chosen[name]).map((name) => [name, chosen[name]])),
    });
  }
  const join = (event) => { event.preventDefault(); send({ type: "join", code: code.value.trim().replace(/^.*#join=/, "") }); };
  main.replaceChildren(el("h1", {}, HTML.title), el("p", { class: "lede" }, PAGE.lede), el("p", { class: "error", role: "alert", id: "error" }),
    el("div", { class: "table" },
      el("form", { class: "panel", id: "new-game", onsubmit: begin }, el("div", { class: "fields" },
        field(START.scenario, "scenario", scenario, about), el("fieldset", {}, el("legend", {}, START.seat), seats),
        field(START.opponent, "opponent", opponent, who), field(START.rounds, "rounds", rounds),
        field(START.seed, "seed", seed, el("p", { class: "note", id: "seed-about" }, START.seedHelp)),
        el("div", { class: "buttons" }, el("button", { class: "main", type: "submit" }, START.start)))),
      choices.invites && el("form", { class: "panel", id: "join-game", onsubmit: join }, el("h2", {}, START.join),
        field(START.code, "code", code), el("div", { class: "buttons" }, el("button", { type: "submit" }, START.joinButton)))));
  tell();
}
