// Replays that a page holds, packed. Each opens as a page of its own, the same as `parlay replay --html` writes.

import { el } from "./elements.js";

const holder = document.getElementById("replays");
const held = holder ? JSON.parse(holder.textContent) : null;

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}
// A link to a replay by its number. Its page is made now, so that every way to follow a link works.
export function replayLink(number) {
  const link = el("a", { target: "_blank", rel: "noopener", class: "replay" }, held.text);
  Promise.all([unpacked(held.page), unpacked(held.games[number])]).then(([page, game]) => {
    link.href = URL.createObjectURL(new Blob([page.replace("{{data}}", () => game)], { type: "text/html" }));
  });
  return link;
}
// A game that opens on demand gets its link when it is opened for the first time.
for (const game of document.querySelectorAll("details[data-replay]")) {
  game.addEventListener("toggle", () => game.querySelector("summary").after(el("p", {}, replayLink(Number(game.dataset.replay)))), { once: true });
}
