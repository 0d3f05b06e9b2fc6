// A replay: a game turn by turn, with what was public and what was hidden. The table shows it at the end of a game, and
// a page of its own holds nothing else.

import { el, fill, chart, legend, facts, panel, behind, tableOf, clamp, exactMoney, roundMoney, fixed } from "./elements.js";
import { SEATS, REPLAY, CHART, END, STATUS, ERODED, offerText, subjectOf, turnText, quoted, news } from "./text.js";
import { offersChart, tensionChart, tensionLegend, beliefChart, planeChart, roomChart, momentsOf } from "./charts.js";

export function turnItem(turn, deal, subject, isHinted = false) {
  return el("li", { class: turn.seat },
    turn.headlines.map((headline) => el("p", { class: "news" }, news(headline))),
    el("p", {}, el("span", { class: "round" }, String(turn.round + 1)), " ", el("b", {}, turnText(turn, deal, subject))),
    turn.words && el("p", { class: "words" }, quoted(turn.words)),
    isHinted && el("p", { class: "note" }, REPLAY.hinted),
    turn.eroded && el("p", { class: "hot" }, ERODED));
}

// What was hidden, in words and on the price line.
export function endPanel(data, extra = []) {
  const { outcome, deal } = data, limits = outcome.reservation;
  return [
    el("p", { class: "verdict" }, END.verdict(outcome, deal)),
    chart(CHART.room(deal, limits, outcome.price), (width) => roomChart(width, { deal, limits, zopa: outcome.zopa, nash: outcome.nash_price, price: outcome.price, names: SEATS })),
    legend([[CHART.zopa, "var(--zopa)"], [CHART.nash, "var(--zopa)", "rule"], ...(outcome.is_deal ? [[CHART.deal, "var(--ink)", "round"]] : [])]),
    facts([
      ...SEATS.map((seat, i) => [END.limit(seat, deal.terms.length > 0), roundMoney(limits[i], deal), seat]),
      ...(outcome.is_deal ? SEATS.map((seat, i) => [END.gain(seat), roundMoney(outcome.worth[i], deal) + (outcome.zopa ? END.part(outcome.shares[i]) : ""), seat]) : []),
      [END.zopa, outcome.zopa ? outcome.zopa.map((price) => roundMoney(price, deal)).join(" – ") : END.noZopa],
      outcome.nash_price !== null && [END.nash, roundMoney(outcome.nash_price, deal) + (outcome.nash_package ? `, ${outcome.nash_package}` : "")],
      outcome.efficiency !== null && outcome.is_deal && [END.efficiency, `${fixed(100 * outcome.efficiency, 0)}%`],
      ...SEATS.map((seat, i) => outcome.claims_made[i] > 0 && [`${END.bluffs}, ${seat}`, END.bluffCount(outcome, i), seat]),
      ...SEATS.map((seat, i) => outcome.wrong_challenges[i] > 0 && [`${END.wrong}, ${seat}`, String(outcome.wrong_challenges[i]), seat]),
      ...SEATS.map((seat) => { const text = END.helpText(data.help.filter((h) => h.seat === seat).map((h) => h.kind)); return text && [END.help(seat), text, seat]; }),
      ...extra]),
    deal.terms.length > 0 && el("p", { class: "note" }, END.withTerms),
    outcome.claims.length ? tableOf(END.claims, [END.round, END.who, END.claimed, END.truth, END.was, END.became],
      outcome.claims.map((claim) => [String(claim.round + 1), claim.seat, exactMoney(claim.price, deal), roundMoney(claim.truth, deal), claim.is_bluff ? END.bluff : END.honest, STATUS[claim.status]])) : null];
}

function momentTable(data, k) {
  const { deal } = data, now = data.moments[k];
  const row = (name, tell) => [name, ...SEATS.map((_, i) => tell(i))];
  return tableOf(REPLAY.figures(now.tension), REPLAY.columns, [
    row(REPLAY.limit, (i) => roundMoney(now.limits[i], deal)), row(REPLAY.offer, (i) => offerText(now.offers[i], deal)),
    row(REPLAY.claim, (i) => (now.claims[i] ? `${exactMoney(now.claims[i].price, deal)}, ${STATUS[now.claims[i].status]}` : REPLAY.none)),
    row(REPLAY.credibility, (i) => fixed(now.credibility[i], 0)), row(REPLAY.urgency, (i) => fixed(now.urgency[i], 2)),
    row(REPLAY.alternative, (i) => (now.alternative[i] ? REPLAY.yes : REPLAY.no))]);
}

function beliefsAt(data, k, last) {
  const moments = momentsOf(data, k).filter((moment) => moment.beliefs[0]);
  if (!moments.length) return null;
  const now = data.moments[k];
  return SEATS.map((seat, i) => el("div", {}, el("p", { class: "small" }, CHART.beliefOf(seat, now.beliefs[i], now.limits[1 - i], data.deal)), chart(CHART.beliefOf(seat, now.beliefs[i], now.limits[1 - i], data.deal), (width) => beliefChart(width, {
    deal: data.deal, last,
    rows: [{ seat: SEATS[1 - i], band: moments.map((m) => ({ x: m.x, ...m.beliefs[i] })), truth: moments.map((m) => ({ x: m.x, price: m.limits[1 - i] })) }],
  }))));
}

// Put a replay into an element; return a function that goes to a turn.
export function mountReplay(host, data, { heading = "h2" } = {}) {
  const { deal, turns, outcome } = data, most = data.moments.length - 1;
  const last = (turns.length ? turns[turns.length - 1].round : 0) + 1;
  const isHinted = (k) => data.help.some((h) => h.kind === "hint" && h.turn === k);
  let now = most, timer = null;
  const slider = el("input", { type: "range", min: 0, max: most, step: 1, value: now, id: "replay-turn", oninput: () => go(Number(slider.value)) });
  const told = el("p", { class: "told", "aria-live": "polite" });
  const body = el("div");
  const playing = el("button", { type: "button", onclick: () => (timer ? stop() : start()) }, REPLAY.play);
  const button = (text, to) => el("button", { type: "button", onclick: () => { stop(); go(to()); } }, text);
  function stop() { clearInterval(timer); timer = null; playing.textContent = REPLAY.play; }
  function start() {
    if (now === most) go(0);
    timer = setInterval(() => (now < most ? go(now + 1) : stop()), 900);
    playing.textContent = REPLAY.stop;
  }
  function go(k) {
    now = clamp(k, 0, most);
    slider.value = now;
    const turn = turns[now - 1], moment = data.moments[now];
    slider.setAttribute("aria-valuetext", REPLAY.turn(now, most));
    const shown = turns.slice(0, now);
    told.replaceChildren(el("b", {}, `${REPLAY.turn(now, most)}. `), now === 0 ? REPLAY.start : turn ? turnText(turn, deal, subjectOf(turn, data.names)) : REPLAY.forfeit,
      turn && turn.words ? ` ${quoted(turn.words)}` : "", turn && isHinted(now - 1) ? el("span", { class: "note" }, ` ${REPLAY.hinted}`) : "");
    const moments = momentsOf(data, now);
    fill(body, {}, []).replaceChildren(...[
      chart(CHART.offers(shown, deal), (width) => offersChart(width, { deal, turns: shown, opener: data.opener, last, end: Math.max(...moments.map((m) => m.x)), limits: moments, zopa: moment.zopa, price: turn && turn.move === "ACCEPT" ? turn.price : null })),
      legend([[CHART.buyer, "var(--buyer)"], [CHART.seller, "var(--seller)"], [CHART.limits, "var(--dim)", "rule"], [CHART.zopa, "var(--zopa)"], [CHART.claim, "var(--dim)", "diamond"]]),
      el("p", { class: "small" }, CHART.tension),
      chart(CHART.tensionNow(moment.tension), (width) => tensionChart(width, { turns: shown, opener: data.opener, last })), tensionLegend(shown),
      panel(REPLAY.now, momentTable(data, now)),
      moment.beliefs[0] && panel(REPLAY.beliefs, el("p", { class: "note" }, REPLAY.beliefsAbout), el("div", { class: "two" }, beliefsAt(data, now, last))),
      deal.terms.length > 0 && panel(REPLAY.plane, el("p", { class: "note" }, REPLAY.planeAbout), chart(CHART.planeNow, (width) => planeChart(width, data, now), "plane"),
        legend([[CHART.frontier, "var(--ink)", "line"], [CHART.packages, "var(--line-strong)", "line"], [CHART.offersOf("buyer"), "var(--buyer)", "round"], [CHART.offersOf("seller"), "var(--seller)", "round"],
          ...(outcome ? [[CHART.nash, "var(--zopa)", "diamond"], [CHART.ks, "var(--zopa)"], [CHART.egalitarian, "var(--dim)"]] : [])])),
    ].filter(Boolean));
  }
  fill(host, {}, [
    el(heading, {}, REPLAY.title), el("p", { class: "note" }, REPLAY.facts(data)),
    el("div", { class: "scrub" }, el("label", { for: "replay-turn" }, REPLAY.slider), slider,
      el("div", { class: "buttons" }, button(REPLAY.first, () => 0), button(REPLAY.back, () => now - 1), playing, button(REPLAY.next, () => now + 1), button(REPLAY.last, () => most))),
    told, body,
    behind(REPLAY.transcript, el("ol", { class: "log" }, turns.map((turn, k) => turnItem(turn, deal, subjectOf(turn, data.names), isHinted(k)))))]);
  go(now);
  return go;
}

// A page that holds one replay has its data inside.
const inPage = document.getElementById("data");
if (inPage) {
  const data = JSON.parse(inPage.textContent), main = document.getElementById("replay");
  document.title = REPLAY.document(data);
  main.replaceChildren(el("h1", {}, data.deal.title), el("p", { class: "lede" }, data.deal.story));
  if (data.outcome) main.append(panel(REPLAY.lastWord, endPanel(data)));
  const host = el("section", { class: "panel" });
  main.append(host);
  mountReplay(host, data);
  document.documentElement.dataset.ready = "yes";
}
