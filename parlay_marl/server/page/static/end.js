// The end of a game: what was hidden, what could have been, and what to do next.

import { el, panel, roundMoney } from "./elements.js";
import { END, SEATS, TABLE, otherSeat } from "./text.js";
import { endPanel, mountReplay } from "./replay.js";

function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

export function drawEnd(main, parts, table, ask, send) {
  const { replay, record, replay_id: id } = table.end, i = SEATS.indexOf(table.seat), { deal } = replay;
  const best = el("div", { role: "status", id: "best" });
  const button = (name, text, onclick, kind) => el("button", { type: "button", id: name, class: kind, onclick }, text);
  const link = id ? `${location.origin}/play/replay/${id}` : "";
  const file = `${deal.name}-${replay.seed}`;
  const savePage = async () => save(`${file}.html`, await (await fetch(link, { credentials: "same-origin" })).text(), "text/html");
  const share = el("div", { hidden: true }, el("p", { class: "note" }, END.shareAbout),
    link && el("p", {}, el("a", { href: link, target: "_blank", rel: "noopener", id: "replay-link" }, END.link)),
    el("div", { class: "buttons" }, link && button("save-replay", END.file, savePage), button("save-record", END.record, () => save(`${file}.json`, record, "application/json"))));
  const canRepeat = !table.match;
  const host = el("section", { class: "panel", id: "replay" });
  main.replaceChildren(el("h1", { id: "end", tabindex: "-1" }, END.title), el("p", {}, TABLE.youAre(table.seat, table.opponent)), el("div", { class: "panel" }, parts.now),
    panel(null, endPanel(replay, [
      table.guess !== null && [END.guess, roundMoney(Math.abs(table.guess - replay.outcome.reservation[1 - i]), deal)],
      [END.reading, roundMoney(replay.outcome.belief_error[i], deal)], !table.help.belief && !table.help.hints && [END.help(table.seat), END.noHelp]]),
    canRepeat && button("best-reply", END.best, () => send({ type: "best_reply" })), best,
    el("div", { class: "buttons" },
      canRepeat && button("again", END.again, () => send({ type: "again", role: table.seat }), "main"), canRepeat && button("other-seat", END.other, () => send({ type: "again", role: otherSeat(table.seat) })),
      button("new-game", END.fresh, () => send({ type: "leave" })), button("share", END.share, () => { share.hidden = !share.hidden; })), share, el("p", { class: "error", role: "alert", id: "error" })),
    host);
  mountReplay(host, replay);
  document.getElementById("end").focus();
}
export function showBest(message, deal) {
  const place = document.getElementById("best");
  if (place) place.replaceChildren(el("p", {}, END.bestIs(message.reply, message.own_payoff, deal)));
}
