// The table: one game as its seat sees it. It is built once for a game, and filled anew with every table that comes.

import { el, fill, chart, legend, facts, panel, behind, tableOf, clamp, exactMoney, roundMoney, signedMoney, fixed } from "./elements.js";
import { TABLE, MOVES, WHY_NOT, NOT_YOUR_TURN, CHART, INVITE, STATUS, ERODED, costText, offerText, otherSeat, packageText, quoted, subjectFor, turnText, worthText, news } from "./text.js";
import { offersChart, tensionChart, tensionLegend, turnPlace } from "./charts.js";
import { turnItem } from "./replay.js";
import { drawEnd } from "./end.js";

export function buildTable(main, ask, send, choices) {
  const part = (kind) => el("div", { class: kind || "" });
  const parts = { status: part("status"), invite: part(), now: el("div", { class: "now", id: "now", role: "log", "aria-live": "polite", "aria-relevant": "additions" }), you: part(), offers: part(), chart: part(), log: part(), help: part() };
  const guess = el("input", { id: "guess", inputmode: "decimal", autocomplete: "off", "aria-describedby": "guess-about" });
  const guessed = el("p", { id: "guess-text", role: "status" });
  const guessForm = el("form", { onsubmit: (event) => { event.preventDefault(); if (guess.value.trim()) send({ type: "guess", price: guess.value.trim() }); } },
    el("div", { class: "field" }, el("label", { for: "guess" }, TABLE.guess), guess, el("p", { class: "note", id: "guess-about" }, TABLE.guessAbout)),
    el("button", { type: "submit", id: "note-guess" }, TABLE.guessButton), guessed);
  let table = null, told = -1, limit = null, form = null, last = null;

  function update(next) {
    const before = table;
    table = next;
    if (!before || before.token !== next.token || before.deal.name !== next.deal.name || before.seat !== next.seat) begin();
    drawNow(before);
    drawStatus();
    if (table.is_over) return drawEnd(main, parts, table, ask, send);
    drawInvite();
    drawFigures();
    drawCharts();
    drawHelp();
    form.update(table);
    limit = table.limit;
  }

  function begin() {
    guess.value = "";
    told = -1;
    limit = table.limit;
    form = moveForm(ask, send, choices.longest_words);
    parts.now.replaceChildren();
    const { deal } = table;
    main.replaceChildren(el("h1", {}, deal.title), parts.status, parts.invite,
      el("div", { class: "table" },
        el("div", {}, el("div", { class: "panel" }, parts.now), panel(TABLE.moves, form.node), fill(panel(TABLE.log, parts.log), { class: "panel last" }, [])),
        el("div", {}, panel(TABLE.chart, parts.chart), panel(TABLE.offers, parts.offers), panel(TABLE.you, parts.you), panel(TABLE.reading, guessForm), panel(TABLE.help, parts.help), el("div", { class: "panel" }, fill(behind(TABLE.story, el("p", {}, deal.story)), { open: table.match !== null }, []),
            el("button", { type: "button", id: "leave", onclick: () => ask(TABLE.leaveSure, () => send({ type: "leave" })) }, TABLE.leave)))));
  }

  // What is new since the last table, said once to screen readers.
  function drawNow(before) {
    const { turns, deal, seat } = table, lines = [];
    if (told < 0) {
      lines.push(el("p", {}, `${TABLE.youAre(seat, table.opponent)} ${TABLE.aim(seat, deal.terms.length > 0)}`), table.match ? el("p", {}, TABLE.turnTime(choices.turn_seconds)) : "", ...table.conditions.map((text) => el("p", { class: "hot" }, text)));
    }
    for (const turn of turns.slice(Math.max(told, 0))) {
      for (const headline of turn.headlines) if (!before || !before.news.includes(headline)) lines.push(el("p", { class: "news" }, news(headline)));
      lines.push(el("p", { class: turn.seat }, turnText(turn, deal, subjectFor(turn, seat)), turn.words && turn.seat !== seat ? el("span", { class: "words" }, ` ${quoted(turn.words)}`) : ""));
      if (turn.eroded) lines.push(el("p", { class: "hot" }, ERODED));
    }
    for (const headline of table.news) if (!before || !before.news.includes(headline) || told < 0) lines.push(el("p", { class: "news" }, news(headline)));
    if (limit !== null && limit !== table.limit && !table.is_over) lines.push(el("p", { class: "hot" }, TABLE.moved(limit, table.limit, deal)));
    if (lines.length) parts.now.replaceChildren(...lines);
    told = turns.length;
  }

  function drawStatus() {
    const isLast = table.round === table.deal.rounds - 1;
    parts.status.replaceChildren(el("b", {}, TABLE.round(table.round, table.deal.rounds) + (isLast ? `, ${TABLE.last}` : "")),
      el("span", { class: table.seat }, TABLE.whoAndLimit(table.seat, roundMoney(table.limit, table.deal), table.deal.terms.length > 0)),
      el("span", { id: "turn", role: "status" }, table.is_over ? "" : table.on_turn ? TABLE.yourTurn : TABLE.theirTurn));
  }

  function drawInvite() {
    const { match } = table, link = match && match.code ? `${location.origin}/play#join=${match.code}` : "";
    const state = !match ? "" : match.code ? link : match.has_left ? INVITE.left : match.is_away ? INVITE.away : "";
    if (state === last) return;
    last = state;
    const field = el("input", { id: "link", readonly: true, value: link });
    const said = el("span", { role: "status" });
    const copy = async () => { field.select(); try { await navigator.clipboard.writeText(link); said.textContent = INVITE.copied; } catch { document.execCommand("copy"); } };
    parts.invite.replaceChildren(...(!state ? [] : [link
      ? panel(INVITE.title, el("p", {}, INVITE.lede), el("div", { class: "field" }, el("label", { for: "link" }, INVITE.link), field), el("div", { class: "buttons" }, el("button", { type: "button", onclick: copy }, INVITE.copy)), said)
      : el("p", { class: "panel hot", role: "status" }, state)]));
  }

  function drawFigures() {
    const { deal, offers, claims, seat } = table;
    parts.you.replaceChildren(facts([
      [deal.terms.length ? TABLE.limitTerms : TABLE.limit, roundMoney(table.limit, deal), seat],
      table.other_limit !== null && [TABLE.otherLimit, roundMoney(table.other_limit, deal), otherSeat(seat)],
      [TABLE.urgency, fixed(table.urgency, 2)], [TABLE.alternative, table.alternative ? TABLE.yes : TABLE.no], [TABLE.left, `${fixed(100 * table.payoff_left, 0)}%`]]),
    el("p", { class: "note" }, TABLE.figuresAbout),
    deal.terms.length ? behind(TABLE.packages, tableOf(`${TABLE.packages}, ${TABLE.beside}`, [deal.terms.map((term) => term.name).join(", "), deal.currency],
      table.package_worth.map((worth, k) => [packageText(k, deal), signedMoney(worth, deal)]))) : "");
    const offer = (o) => (o ? `${offerText(o, deal)}; ${worthText(o.worth, deal)}` : TABLE.none);
    const claim = (c) => c && `${exactMoney(c.price, deal)}; ${STATUS[c.status]}`;
    const streak = table.hot_streak ? `; ${TABLE.streak(table.hot_streak, table.hot_turns)}` : "";
    parts.offers.replaceChildren(facts([
      [TABLE.yourOffer, offer(offers[0]), seat], [TABLE.theirOffer, offer(offers[1]), otherSeat(seat)],
      claims[0] && [TABLE.yourClaim, claim(claims[0]), seat], claims[1] && [TABLE.theirClaim, claim(claims[1]), otherSeat(seat)],
      [TABLE.credibility, TABLE.youThey(...table.credibility)],
      [TABLE.tension, `${TABLE.tensionNow(table.tension)}${streak}${table.erosions ? `; ${TABLE.eroded(table.erosions)}` : ""}`]]), el("p", { class: "note" }, TABLE.credibilityAbout));
  }

  function drawCharts() {
    const { deal, turns, opener, seat } = table, rounds = clamp(table.round + 3, Math.min(8, deal.rounds), deal.rounds);
    const band = table.belief && table.belief.map((b) => ({ x: b.turns === 0 ? 0.75 : turnPlace(turns[b.turns - 1], opener), ...b }));
    const end = turns.length ? turnPlace(turns[turns.length - 1], opener) : 1;
    parts.chart.replaceChildren(
      chart(CHART.offers(turns, deal), (width) => offersChart(width, { deal, turns, opener, last: rounds, end, limit: table.limit, seat, band })),
      legend([[seat === "buyer" ? CHART.you : CHART.they, "var(--buyer)"], [seat === "seller" ? CHART.you : CHART.they, "var(--seller)"], [CHART.claim, "var(--dim)", "diamond"],
        ...(band ? [[CHART.belief, `var(--${otherSeat(seat)})`, "line"]] : [])]),
      el("p", { class: "small" }, TABLE.tensionAbout(table.hot_tension, table.hot_turns)),
      chart(CHART.tensionNow(table.tension), (width) => tensionChart(width, { turns, opener, last: rounds, hot: table.hot_tension })), tensionLegend(turns) || "");
    parts.log.replaceChildren(el("div", { class: "tall", tabindex: "0", role: "region", "aria-label": TABLE.log },
      turns.length ? "" : el("p", { class: "note" }, TABLE.nothing), el("ol", { class: "log", reversed: true }, [...turns].reverse().map((turn) => turnItem(turn, deal, subjectFor(turn, seat))))));
  }

  function drawHelp() {
    const { deal, belief, hint } = table, now = belief && belief[belief.length - 1];
    const focused = document.activeElement && parts.help.contains(document.activeElement) ? document.activeElement.id : "";
    parts.help.replaceChildren(
      el("label", { class: "check" }, el("input", { type: "checkbox", id: "show-belief", checked: belief !== null, "aria-describedby": "belief-about", onchange: (event) => send({ type: "show_belief", on: event.target.checked }) }), TABLE.belief),
      el("p", { class: "note", id: "belief-about" }, TABLE.beliefAbout),
      el("div", { role: "status" }, now ? el("p", {}, TABLE.beliefNow(now, deal), table.doubt !== null ? ` ${TABLE.doubt(table.doubt)}` : "") : ""),
      el("div", { class: "buttons" }, el("button", { type: "button", id: "hint", "aria-disabled": String(!table.on_turn), "aria-describedby": "hint-about", onclick: () => table.on_turn && send({ type: "hint" }) }, TABLE.hint)),
      el("p", { class: "note", id: "hint-about" }, TABLE.hintAbout),
      el("div", { role: "status", id: "hint-text" }, hint ? el("p", {}, TABLE.hintIs(hint, deal)) : ""));
    guessed.textContent = table.guess === null ? "" : TABLE.guessIs(table.guess, deal);
    if (focused) document.getElementById(focused).focus();
  }
  return { update, refused: (text) => form && form.refused(text), reset: () => { table = null; last = null; } };
}

// ---------------------------------------------------------------- the form of a move

function moveForm(ask, send, longestWords) {
  let table = null, isTouched = false;
  const slider = el("input", { type: "range", id: "slider", "aria-label": TABLE.slider, oninput: () => { price.value = exact(Number(slider.value)); isTouched = true; look(); } });
  const price = el("input", { id: "price", inputmode: "decimal", autocomplete: "off", "aria-describedby": "price-help worth", oninput: () => { isTouched = true; const value = read(); if (value !== null) slider.value = value; look(); } });
  const help = el("p", { class: "note", id: "price-help" }), worth = el("p", { id: "worth", "aria-live": "polite" });
  const terms = el("div", { class: "fields" }), words = el("textarea", { id: "words", rows: 1, maxlength: longestWords });
  const error = el("p", { class: "error", role: "alert", id: "error" });
  const buttons = Object.fromEntries(Object.keys(MOVES).map((move) => [move, el("button", {
    type: move === "OFFER" ? "submit" : "button", id: `move-${move}`, class: move === "OFFER" ? "main" : "", "aria-describedby": `about-${move}`, title: MOVES[move].about,
    onclick: (event) => { event.preventDefault(); make(move); } })]));
  const about = behind(TABLE.movesAbout, Object.keys(MOVES).map((move) => el("p", { class: "small" }, el("b", {}, MOVES[move].label), " ", el("span", { id: `about-${move}` }, MOVES[move].about))));
  const node = el("form", { id: "move-form", onsubmit: (event) => { event.preventDefault(); make("OFFER"); } },
    el("div", { class: "price" }, el("div", { class: "field" }, el("label", { for: "price" }, TABLE.price), price), slider), help, terms, worth,
    el("div", { class: "field" }, el("label", { for: "words" }, TABLE.words), words), error,
    el("div", { class: "buttons" }, buttons.OFFER, buttons.BATNA_REVEAL, buttons.ANCHOR_HIGH),
    el("div", { class: "buttons" }, buttons.ACCEPT, buttons.SILENCE, buttons.CHALLENGE, buttons.WALK_AWAY), about);

  const exact = (value) => String(Number(value.toFixed(table.deal.exact_digits)));
  // The amount that is typed, where it is a plain one; the server reads every form that a person may use.
  function read() {
    const found = /^([0-9][0-9 ,_']*(?:\.[0-9]+)?)\s*([kKmM]?)$/.exec(price.value.trim().replace(/^[A-Z]{3}\s*|^[$€£]\s*/, ""));
    return found ? Number(found[1].replace(/[ ,_']/g, "")) * ({ k: 1e3, m: 1e6 }[found[2].toLowerCase()] || 1) : null;
  }
  const chosen = () => Object.fromEntries([...terms.querySelectorAll("select")].map((list) => [list.dataset.term, list.value]));
  function packageNow() {
    if (!table.deal.terms.length) return 0;
    const options = table.deal.terms.map((term) => chosen()[term.name]);
    return table.deal.packages.findIndex((each) => each.every((name, i) => name === options[i]));
  }
  const worthOf = (amount) => (table.seat === "buyer" ? table.limit - amount : amount - table.limit) + table.package_worth[packageNow()];
  const isOutside = (amount) => amount < table.deal.low || amount > table.deal.high;
  function look() {
    const amount = read(), { deal } = table;
    if (amount === null) { worth.replaceChildren(price.value.trim() ? TABLE.notPrice : ""); return; }
    if (isOutside(amount)) { worth.replaceChildren(el("span", { class: "hot" }, TABLE.outside)); return; }
    const gain = worthOf(amount), off = Math.abs(amount - table.limit) > table.bluff_distance;
    slider.setAttribute("aria-valuetext", exactMoney(amount, deal));
    worth.replaceChildren(el("b", {}, TABLE.worth(gain, deal)), gain < 0 ? el("span", { class: "hot" }, ` ${TABLE.loss}`) : "", el("br", {}),
      el("span", { class: "note" }, off ? TABLE.bluff(amount, table.bluff_distance, deal) : TABLE.honest));
  }
  function make(move) {
    if (!table.on_turn) return refused(NOT_YOUR_TURN);
    if (!table.moves[move].legal) return refused(WHY_NOT[move]);
    refused("");
    if (["OFFER", "BATNA_REVEAL"].includes(move) && read() !== null && isOutside(read())) return refused(TABLE.outside);
    const priced = ["OFFER", "BATNA_REVEAL"].includes(move), message = { type: "play", turn: table.turns.length, move, words: words.value.replace(/\s+/g, " ") };
    if (priced) Object.assign(message, { price: price.value.trim(), terms: chosen() });
    if (move === "ANCHOR_HIGH") message.terms = chosen();
    const go = () => send(message);
    const gain = move === "ACCEPT" ? table.offers[1].worth : priced && read() !== null ? worthOf(read()) : 0;
    if (move === "WALK_AWAY") ask(TABLE.sure.WALK_AWAY, go);
    else if (gain < 0) ask(move === "ACCEPT" ? TABLE.sure.ACCEPT : TABLE.sure.OFFER, go);
    else go();
  }
  function refused(text) { error.textContent = text; }
  function drawTerms() {
    const { deal } = table, own = table.offers[0] ? table.offers[0].package : table.usual_package;
    terms.replaceChildren(...deal.terms.map((term, i) => {
      const list = el("select", { id: `term-${i}`, "data-term": term.name, onchange: () => { isTouched = true; look(); } }, term.options.map((name) => el("option", { value: name }, name)));
      list.value = deal.packages[own][i];
      return el("div", { class: "field" }, el("label", { for: `term-${i}` }, term.name), list);
    }));
  }
  function update(next) {
    const isNew = !table, hasMoved = table && next.turns.length !== table.turns.length;
    table = next;
    const { deal } = table;
    if (isNew) {
      for (const [name, value] of Object.entries({ min: deal.low, max: deal.high, step: step(deal) })) slider.setAttribute(name, value);
      help.textContent = TABLE.priceHelp(exactMoney(deal.low, deal), exactMoney(deal.high, deal));
      drawTerms();
    }
    if (hasMoved && !table.is_over) { refused(""); if (table.turns[table.turns.length - 1].seat !== table.seat) words.value = ""; isTouched = false; }
    if (!isTouched) {
      const own = table.offers[0] ? table.offers[0].price : startPrice();
      price.value = exact(own);
      slider.value = own;
    }
    look();
    for (const [move, button] of Object.entries(buttons)) {
      const { legal } = table.moves[move];
      const text = move === "ACCEPT" ? TABLE.accept(table.offers[1], deal) : MOVES[move].label;
      const cost = move === "ACCEPT" && table.offers[1] ? worthText(table.offers[1].worth, deal) : costText(table.moves[move]);
      const why = !table.on_turn ? "" : legal ? cost : WHY_NOT[move];
      button.replaceChildren(text, el("span", { class: "cost" }, why));
      button.setAttribute("aria-disabled", String(!legal || !table.on_turn));
    }
  }
  // A first price between the own end of the range and the limit.
  function startPrice() {
    const { deal } = table, end = table.seat === "buyer" ? deal.low : deal.high;
    return clamp(Math.round((0.7 * end + 0.3 * clamp(table.limit, deal.low, deal.high)) / step(deal)) * step(deal), deal.low, deal.high);
  }
  return { node, update, refused };
}

// A step of the slider: a whole number of units, with a few hundred steps over the range.
function step(deal) {
  const rough = (deal.high - deal.low) / 300, power = 10 ** Math.floor(Math.log10(rough));
  return Math.max(deal.unit, [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough));
}
