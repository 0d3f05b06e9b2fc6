// All English text of the pages. `deal` has the currency; amounts come as numbers.

import { exactMoney, roundMoney, signedMoney, percent, fixed } from "./elements.js";

// What stands in the HTML itself. It is JSON, as the package reads it, too.
export const HTML = {
  "title": "A table for two",
  "skip": "Skip to the table",
  "page_without_script": "This page needs scripts from its own server.",
  "closed_page_without_script": "A script inside this page draws the game; allow scripts to see it. It loads nothing from elsewhere.",
  "replay_title": "Replay of a negotiation",
  "open_replay": "Replay turn by turn, with what was hidden"
};

export const SEATS = ["buyer", "seller"];
export const otherSeat = (seat) => SEATS[1 - SEATS.indexOf(seat)];
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

// ---------------------------------------------------------------- deals and moves

export const packageText = (k, deal) =>
  deal.terms.map((term, i) => `${term.name} ${deal.packages[k][i]}`).join(", ");
export const withTerms = (price, k, deal) =>
  exactMoney(price, deal) + (deal.terms.length && k !== null && k !== undefined ? ` with ${packageText(k, deal)}` : "");
export const offerText = (offer, deal) => (offer ? withTerms(offer.price, offer.package, deal) : "none yet");
export const worthText = (worth, deal) => `worth ${signedMoney(worth, deal)} to you`;

export const MOVES = {
  OFFER: { label: "Offer", about: "Your price stands until your next one; they may accept it." },
  BATNA_REVEAL: { label: "Claim it is my limit", about: "You say that this price is your limit. It is also an offer." },
  ANCHOR_HIGH: { label: "Anchor", about: "An offer at your own end of the range: the highest price you can name, or the lowest." },
  ACCEPT: { label: "Accept", about: "Take their offer exactly as it stands. The talks end with a deal." },
  SILENCE: { label: "Say nothing", about: "All offers stay as they are." },
  CHALLENGE: { label: "Call it a bluff", about: "If their claim is a bluff, they lose credibility; if it is honest, you do." },
  WALK_AWAY: { label: "Walk away", about: "The talks end without a deal." },
};
export const WHY_NOT = {
  ACCEPT: "They have made no offer yet.",
  WALK_AWAY: "Both sides must have had a turn first.",
  BATNA_REVEAL: "You have too little credibility left for a claim.",
  SILENCE: "You have too little credibility left for silence.",
  CHALLENGE: "They have no open claim.",
};
export const NOT_YOUR_TURN = "Wait: it is their turn.";
export const costText = (move) => {
  const parts = [];
  if (move.credibility) parts.push(`${fixed(move.credibility, 0)} credibility`);
  if (move.heat > 0) parts.push(`${fixed(move.heat, 0)} tension`);
  return parts.length ? `costs ${parts.join(", ")}` : "free";
};
export const STATUS = { open: "open", verified: "verified: it is true", caught: "caught as a bluff", contradicted: "contradicted by its maker", replaced: "replaced by a later claim" };

const VERBS = {
  ACCEPT: ["accept", "accepts"], WALK_AWAY: ["walk away", "walks away"], SILENCE: ["say nothing", "says nothing"],
  CHALLENGE: ["call the claim a bluff", "calls the claim a bluff"], ANCHOR_HIGH: ["anchor at", "anchors at"],
  BATNA_REVEAL: ["claim a limit of", "claims a limit of"],
};
function offerVerb(turn) {
  if (turn.change === null) return ["open at", "opens at"];
  if (turn.change === 0) return ["stay at", "stays at"];
  if (turn.change < 0) return ["go back to", "goes back to"];
  return turn.seat === "buyer" ? ["come up to", "comes up to"] : ["come down to", "comes down to"];
}
// The subject of a turn, as a seat says it or as a spectator does.
export const subjectFor = (turn, seat) => (turn.seat === seat ? "You" : "They");
export const subjectOf = (turn, names) => { const name = names[SEATS.indexOf(turn.seat)]; return name === turn.seat ? `The ${turn.seat}` : `${name} (${turn.seat})`; };
// What a turn did, after its subject.
export function turnText(turn, deal, subject) {
  const verb = (turn.move === "OFFER" ? offerVerb(turn) : VERBS[turn.move])[subject === "You" || subject === "They" ? 0 : 1];
  const price = turn.price === null ? "" : ` ${withTerms(turn.price, turn.package, deal)}`;
  return `${subject} ${verb}${price}${turn.result ? `, ${turn.result}` : ""}.`;
}
export const quoted = (words) => `“${words}”`;
export const ERODED = "Both sides are tired: both limits have moved, and there is less to agree on.";
export const news = (headline) => `News: ${headline}`;

// ---------------------------------------------------------------- the page around a game

export const PAGE = {
  lede: "A buyer and a seller bargain over one deal. Each knows its own limit and not the other's. Choose a seat and somebody to bargain with.",
  theme: (mode) => `Theme: ${mode}`,
  connecting: "Connecting to the server…",
  lost: "The connection is lost. Trying again…",
  gone: "The server cannot be reached. Your game is kept for a while; try again when the server is back.",
  retry: "Try again",
  idle: "Nothing has happened for a long time, so the server has closed the connection.",
  forgotten: "The server no longer has your game: it was restarted, or you were away for too long. Begin a new one.",
  here: "Go on here",
};
export const SIGN_IN = {
  title: "Sign in",
  lede: "This server asks for a token. Whoever runs it can give it to you.",
  label: "Token",
  button: "Sign in",
  wrong: "The token could not be checked.",
};
export const START = {
  scenario: "Deal", seat: "Your seat", opponent: "Against", rounds: "Rounds", start: "Sit down", usual: (rounds) => `as the deal says${rounds ? `: ${rounds}` : ""}`,
  buyer: "Buyer: you pay the price", seller: "Seller: you get the price", person: "another person, by a link", seed: "Deal number (optional)",
  seedHelp: "The same number gives the same deal again. Both sides are told if you choose one.",
  terms: (names) => `Besides the price: ${names.join(", ")}.`,
  family: "A new deal is drawn for every game.",
  join: "Somebody has invited me", code: "Code", joinButton: "Join",
  personAbout: "You get a link for the other seat. Send it to somebody who can reach this server.",
};
export const INVITE = {
  title: "Waiting for the other person",
  lede: "Send this link to the other person. It works once.",
  copy: "Copy the link", copied: "Copied.", link: "Link for the other seat",
  away: "The other person has lost the connection, and may come back.",
  left: "The other person has left.",
};
export const TABLE = {
  youAre: (seat, opponent) => `You are the ${seat}, against ${opponent}.`,
  aim: (seat, terms) => `Any ${terms ? "deal, price and terms together," : "price"} ${seat === "buyer" ? "below" : "above"} your limit is better than no deal.`,
  round: (r, rounds) => `Round ${r + 1} of ${rounds}`,
  last: "the last round",
  whoAndLimit: (seat, limit, terms) => `You are the ${seat}; your limit is ${limit}${terms ? " before terms" : ""}.`,
  figuresAbout: "Urgency goes from 0 to 1: the more urgent, the more every round costs. What is left of a gain goes down with the rounds.",
  tensionAbout: (hot, turns) => (hot <= 100 ? `Tension: digging in heats the talks, conceding cools them. ${fixed(turns, 0)} turns in a row from ${fixed(hot, 0)} on move both limits towards each other.` : "Tension"),
  turnTime: (seconds) => `Each turn may take ${seconds < 120 ? plural(Math.round(seconds), "second") : plural(Math.round(seconds / 60), "minute")}; who takes longer forfeits.`,
  movesAbout: "What each move does",
  credibilityAbout: "Credibility is how much a claim is believed. Claims and silence cost some, a bluff that is called costs much, and every turn brings a little back.",
  yourTurn: "Your turn.", theirTurn: "Waiting for them…",
  story: "The story", you: "Your figures", offers: "On the table", moves: "Your move", log: "What has happened", chart: "Offers so far",
  limit: "Your limit", otherLimit: "Their limit, which is public here", limitTerms: "Your limit before terms", urgency: "Your urgency", alternative: "Another deal waiting", yes: "yes", no: "no",
  left: "What time has left of a gain",
  yourOffer: "Your offer", theirOffer: "Their offer", yourClaim: "Your claim", theirClaim: "Their claim", none: "none yet",
  tension: "Tension", tensionNow: (t) => `${fixed(t, 0)} of 100`, credibility: "Credibility", youThey: (you, they) => `you ${fixed(you, 0)}, they ${fixed(they, 0)}`,
  hot: (mark) => `From ${fixed(mark, 0)} the talks are hot`,
  streak: (n, most) => `${n} of ${fixed(most, 0)} hot turns in a row`,
  eroded: (n) => `both limits have moved ${plural(n, "time")}`,
  price: "Price", priceHelp: (low, high) => `From ${low} to ${high}; 140k and 1.5m are understood.`,
  slider: "Price by slider",
  words: "Words (optional; they never bind)", own: (deal, seat) => `your end of the range, ${exactMoney(seat === "buyer" ? deal.low : deal.high, deal)}`,
  accept: (offer, deal) => (offer ? `Accept ${exactMoney(offer.price, deal)}` : "Accept"),
  worth: (worth, deal) => `This deal is worth ${signedMoney(worth, deal)} to you.`,
  loss: "That is worse for you than no deal.",
  outside: "That price lies outside the range.",
  notPrice: "That is not a price that I can read.",
  bluff: (price, distance, deal) => `As a claim it would be a bluff: it is more than ${roundMoney(distance, deal)} away from your limit.`,
  honest: "As a claim it would count as honest.",
  packages: "What the terms are worth to you", beside: "beside the price",
  reading: "Reading the other side", guess: "Your guess of their limit (optional)", guessAbout: "It is kept for yourself, and compared with the truth at the end. A later guess replaces it.", guessButton: "Note the guess",
  guessIs: (guess, deal) => `You guess ${exactMoney(guess, deal)}.`, help: "Help", nothing: "Nothing yet.",
  belief: "Show what you may believe of their limit", beliefAbout: "An estimate from what both of you have seen. It is noted at the end that you have looked.",
  beliefNow: (b, deal) => `Their limit: about ${roundMoney(b.mean, deal)}; with 90% between ${roundMoney(b.low, deal)} and ${roundMoney(b.high, deal)}.`,
  doubt: (p) => `Their open claim is a bluff with a probability of ${percent(p)}.`,
  hint: "What would the champion do?", hintAbout: "A hint from the strongest player of the catalogue. It is noted at the end.",
  hintIs: (hint, deal) => `Hint: the champion would ${{ ACCEPT: "accept", WALK_AWAY: "walk away", SILENCE: "say nothing", CHALLENGE: "call the claim a bluff", OFFER: "offer", ANCHOR_HIGH: "anchor at", BATNA_REVEAL: "claim a limit of" }[hint.move]}${hint.price === null ? "" : ` ${withTerms(hint.price, hint.package, deal)}`}.`,
  leave: "Leave this game", leaveSure: "Leave the game? It cannot be continued.",
  sure: { ACCEPT: "This deal is worse for you than no deal. Accept it all the same?", OFFER: "This offer is worse for you than no deal, and they may accept it. Make it all the same?", WALK_AWAY: "Walk away? The talks end without a deal." },
  go: "Yes", stay: "No",
  moved: (before, now, deal) => `Your limit has moved from ${roundMoney(before, deal)} to ${roundMoney(now, deal)}.`,
};

// ---------------------------------------------------------------- the end

const ENDINGS = {
  walk_away: (o) => `The ${o.closed_by} walked away in round ${o.round + 1}. No deal.`,
  collapsed: (o) => `Nothing was left to agree on after round ${o.round + 1}. No deal.`,
  deadline: (o) => `The time was over after round ${o.round + 1}. No deal.`,
  forfeit: (o) => `The ${o.closed_by} forfeited in round ${o.round + 1}. No deal.`,
};
export const END = {
  title: "The end, and what was hidden",
  verdict: (o, deal) => (o.is_deal ? `Deal at ${exactMoney(o.price, deal)}${o.package ? ` with ${o.package}` : ""} in round ${o.round + 1}.` : ENDINGS[o.ending](o)),
  gain: (seat) => `Gain of the ${seat}`, part: (share) => ` (${percent(share)} of the room)`, limit: (seat, terms) => `Limit of the ${seat}${terms ? " before terms" : ""}`, zopa: "Room for a deal (ZOPA)", noZopa: "none: no price was good for both",
  nash: "Fair middle (Nash point)", efficiency: "Joint gain, of the best possible", bluffs: "Bluffs made and caught",
  bluffCount: (o, i) => `${o.bluffs_made[i]} of ${plural(o.claims_made[i], "claim")}, ${o.bluffs_caught[1 - i]} caught`,
  wrong: "Honest claims called bluffs", reading: "The estimate of their limit was off by", guess: "Your guess of their limit was off by",
  help: (seat) => `Help that the ${seat} used`, noHelp: "none",
  helpText: (kinds) => { const hints = kinds.filter((kind) => kind === "hint").length; return [kinds.includes("belief") && "the estimate of their limit", hints && (hints === 1 ? "1 hint of the champion" : `${hints} hints of the champion`)].filter(Boolean).join(" and "); },
  best: "What would the best reply have got?", bestIs: (r, own, deal) => `The best of the catalogue in your seat, ${r.name}, gets ${r.price === null ? "no deal" : `a deal at ${exactMoney(r.price, deal)} in round ${r.round + 1}, worth ${signedMoney(r.worth, deal)}`}. With the cost of time: ${fixed(r.payoff, 3)} against your ${fixed(own, 3)} (1 is the usual room for a deal).`,
  again: "Same deal again", other: "Other seat, same deal", fresh: "New game", share: "Share", link: "Link to the replay", file: "Save the replay", record: "Save the record",
  withTerms: "With terms, the room for a deal and the fair middle are those of the terms that are best for both together; there the room may reach beyond the limits before terms.",
  shareAbout: "The link works within this server for as long as it keeps the game; the file works everywhere.",
  claims: "Claims and the truth", round: "round", who: "who", claimed: "claimed", truth: "limit then", was: "it was", became: "at the end", bluff: "a bluff", honest: "honest",
};

// ---------------------------------------------------------------- replays and charts

export const REPLAY = {
  title: "Replay", document: (data) => `${data.names[0]} and ${data.names[1]}: ${data.deal.title}`, turn: (n, all) => (n === 0 ? `Before the first of ${plural(all, "turn")}` : `Turn ${n} of ${all}`), slider: "Turn", first: "First", back: "Back", next: "Next", last: "Last", play: "Play", stop: "Stop",
  facts: (data) => `${data.names[0]} buys from ${data.names[1]}; the ${data.opener} opens. Seed ${data.seed}, game ${data.number}.`,
  beliefs: "Beliefs against the truth", beliefsAbout: "Band: what each side believes of the other's limit, with 90%; dashed: the true limit.",
  now: "At this moment", forfeit: "A seat has forfeited.", hinted: "With a hint of the champion.", start: "Nobody has moved yet.", plane: "Gains of both sides",
  planeAbout: "Every package is a line of prices. Both gains are counted from the limits at the end. Offers that are far from any gain lie outside the picture.",
  transcript: "All turns",
  figures: (tension) => `Tension ${fixed(tension, 0)} of 100`, columns: ["", "buyer", "seller"], limit: "limit", offer: "offer", claim: "claim", none: "none", credibility: "credibility", urgency: "urgency", alternative: "another deal waiting", yes: "yes", no: "no",
  lastWord: "The end",
};
export const CHART = {
  buyer: "buyer", seller: "seller", you: "you", they: "they", claim: "claim", deal: "deal", limit: "your limit", belief: "estimate of their limit", zopa: "room for a deal (ZOPA)", nash: "Nash point", limits: "limits",
  round: "round", tension: "tension", hot: "hot", eroded: "limits moved", news: "news",
  ks: "Kalai–Smorodinsky", egalitarian: "egalitarian", frontier: "Pareto frontier", packages: "packages", offersOf: (seat) => `offers of the ${seat}`, gainOf: (seat) => `gain of the ${seat}`,
  offers: (turns, deal) => {
    const last = (seat) => [...turns].reverse().find((turn) => turn.seat === seat && turn.price !== null && turn.move !== "ACCEPT");
    const part = (seat) => { const turn = last(seat); return `${seat} ${turn ? exactMoney(turn.price, deal) : "no offer yet"}`; };
    return `Chart of the offers so far. Standing: ${part("buyer")}; ${part("seller")}.`;
  },
  tensionNow: (t) => `Tension ${fixed(t, 0)} of 100.`,
  room: (deal, limits, price) => `Price line. Limit of the seller ${roundMoney(limits[1], deal)}, of the buyer ${roundMoney(limits[0], deal)}${price === null ? "" : `, deal at ${exactMoney(price, deal)}`}.`,
  planeNow: "Plane of both gains: packages, Pareto frontier, solutions and offers.",
  beliefOf: (seat, b, truth, deal) => `The ${seat} believes that the other's limit is about ${roundMoney(b.mean, deal)}; in truth it is ${roundMoney(truth, deal)}.`,
};
