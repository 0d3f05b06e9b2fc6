// The charts of a game, for the table and for replays alike. Each returns an SVG element of a width in pixels.

import { svg, legend, scale, ticks, shortMoney, clamp, isNumber } from "./elements.js";
import { CHART, SEATS, packageText } from "./text.js";

const frame = (width, height, ...inner) => svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, inner);
const points = (list) => list.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
const diamond = (x, y, r, kind) => svg("path", { class: kind, d: `M${x},${y - r}l${r},${r}l${-r},${r}l${-r},${-r}z` });
const label = (x, y, text, kind = "dim", anchor = "start") => svg("text", { class: kind, x, y, "text-anchor": anchor }, text);

// The place of a turn on the axis of rounds: the opener's turn at the round, the other's half a round later.
export const turnPlace = (turn, opener) => turn.round + 1 + (turn.seat === opener ? 0 : 0.5);
const momentPlace = (data, k) => (k === 0 ? 0.75 : turnPlace(data.turns[Math.min(k, data.turns.length) - 1], data.opener));

function priceAxis(deal, left, right, up, height) {
  return ticks(deal.low, deal.high, height / 45).map((value) => [
    svg("line", { class: "grid", x1: left, x2: right, y1: up(value), y2: up(value) }),
    label(left - 6, up(value) + 4, shortMoney(value), "dim", "end")]);
}
function roundAxis(at, last, bottom, width) {
  const step = Math.max(1, Math.ceil(last / Math.max(Math.floor(width / 34), 1)));
  const rounds = Array.from({ length: last }, (_, k) => k + 1).filter((r) => (r - 1) % step === 0);
  return [rounds.map((r) => label(at(r), bottom + 16, String(r), "dim", "middle")), label(at(last + 0.75), bottom + 32, CHART.round, "dim", "end")];
}

// The offers of one seat as a line of steps, with a dot for each offer and a diamond for each claim.
function offersOf(seat, turns, opener, at, up, end) {
  const made = turns.filter((turn) => turn.seat === seat && turn.price !== null && turn.move !== "ACCEPT");
  if (!made.length) return null;
  const path = [];
  made.forEach((turn, k) => {
    const x = at(turnPlace(turn, opener)), y = up(turn.price);
    if (k) path.push([x, up(made[k - 1].price)]);
    path.push([x, y]);
  });
  path.push([Math.max(at(end), path[path.length - 1][0]), up(made[made.length - 1].price)]);
  return svg("g", { class: seat }, svg("polyline", { class: "curve", points: points(path) }),
    made.map((turn) => {
      const x = at(turnPlace(turn, opener)), y = up(turn.price);
      return turn.move === "BATNA_REVEAL" ? diamond(x, y, 6, "mark outlined") : svg("circle", { class: "mark", cx: x, cy: y, r: turn.move === "ANCHOR_HIGH" ? 4.5 : 3 });
    }));
}
// A band between two bounds over moments `{x, low, high, mean}`, with its mean.
function bandOf(list, at, up, deal, kind) {
  if (!list.length) return null;
  const y = (price) => up(clamp(price, deal.low, deal.high));
  const area = [...list.map((b) => [at(b.x), y(b.high)]), ...[...list].reverse().map((b) => [at(b.x), y(b.low)])];
  return svg("g", { class: kind }, svg("polygon", { class: "band", points: points(area) }),
    svg("polyline", { class: "thin", points: points(list.map((b) => [at(b.x), y(b.mean)])) }));
}
const inside = (price, deal) => price >= deal.low && price <= deal.high;

// Offers by round. `turns` are those so far; the rest is drawn where it is given: `limit` (own), `band` (a belief),
// `limits` (both, by moment), `zopa`, `nash`, `price` (of the deal).
export function offersChart(width, { deal, turns, opener, last, end, limit, seat, band, limits, zopa, nash, price }) {
  const left = 46, right = width - 10, top = 10, height = clamp(width * 0.5, 200, 320), bottom = top + height;
  const at = scale(0.5, last + 0.75, left, right), up = scale(deal.low, deal.high, bottom, top);
  const y = (value) => up(clamp(value, deal.low, deal.high));
  const deals = turns.filter((turn) => turn.move === "ACCEPT");
  const steps = (k) => limits.flatMap((moment, m) => {
    const before = m ? [[at(moment.x), y(limits[m - 1].limits[k])]] : [];
    return [...before, [at(moment.x), y(moment.limits[k])]];
  });
  return frame(width, bottom + 38,
    priceAxis(deal, left, right, up, height), roundAxis(at, last, bottom, right - left),
    zopa && svg("rect", { class: "zopa-band", x: left, width: right - left, y: y(zopa[1]), height: Math.max(y(zopa[0]) - y(zopa[1]), 1) }),
    isNumber(nash) && inside(nash, deal) && svg("line", { class: "nash-line", x1: left, x2: right, y1: up(nash), y2: up(nash) }),
    band && bandOf(band, at, up, deal, seat === "buyer" ? "seller" : "buyer"),
    limits && SEATS.map((name, k) => svg("polyline", { class: `limit ${name}`, points: points(steps(k)) })),
    isNumber(limit) && [svg("line", { class: `limit ${seat}`, x1: left, x2: right, y1: y(limit), y2: y(limit) }), label(right, y(limit) + (y(limit) < top + 16 ? 14 : -5), CHART.limit, `own ${seat}`, "end")],
    SEATS.map((name) => offersOf(name, turns, opener, at, up, end)),
    isNumber(price) && deals.map((turn) => svg("circle", { class: "deal", cx: at(turnPlace(turn, opener)), cy: up(price), r: 6.5 })));
}

// Tension by turn, with a mark for hot talks, for news and for limits that have moved.
export function tensionChart(width, { turns, opener, last, hot }) {
  const left = 46, right = width - 10, top = 8, height = 64, bottom = top + height;
  const at = scale(0.5, last + 0.75, left, right), up = scale(0, 100, bottom, top);
  const path = turns.map((turn) => [at(turnPlace(turn, opener)), up(turn.tension)]);
  return frame(width, bottom + 8,
    [0, 50, 100].map((value) => [svg("line", { class: "grid", x1: left, x2: right, y1: up(value), y2: up(value) }), label(left - 6, up(value) + 4, String(value), "dim", "end")]),
    isNumber(hot) && hot <= 100 && [svg("line", { class: "hot-line", x1: left, x2: right, y1: up(hot), y2: up(hot) })],
    path.length > 1 && svg("polyline", { class: "tension", points: points(path) }),
    path.length === 1 && svg("circle", { class: "tension-dot", cx: path[0][0], cy: path[0][1], r: 3 }),
    turns.map((turn, k) => [
      turn.headlines.length > 0 && svg("line", { class: "news-line", x1: path[k][0], x2: path[k][0], y1: top, y2: bottom }),
      turn.eroded && svg("path", { class: "eroded", d: `M${path[k][0]},${bottom}l-5,-9h10z` })]));
}

// What the marks of that chart mean; nothing where it has none.
export function tensionLegend(turns) {
  const marks = [turns.some((turn) => turn.headlines.length) && [CHART.news, "var(--accent)", "line"], turns.some((turn) => turn.eroded) && [CHART.eroded, "var(--hot)"]].filter(Boolean);
  return marks.length ? legend(marks) : null;
}

// One price line with both limits, the ZOPA, the Nash point and the deal.
export function roomChart(width, { deal, limits, zopa, nash, price, names }) {
  const left = 10, right = width - 10, middle = 44;
  const at = scale(deal.low, deal.high, left, right), x = (value) => at(clamp(value, deal.low, deal.high));
  const mark = (value, text, kind, above) => {
    const anchor = x(value) < width * 0.2 ? "start" : x(value) > width * 0.8 ? "end" : "middle";
    return [svg("line", { class: `limit-mark ${kind}`, x1: x(value), x2: x(value), y1: middle - 14, y2: middle + 14 }), label(x(value), above ? middle - 20 : middle + 28, text, `own ${kind}`, anchor)];
  };
  return frame(width, 94,
    svg("line", { class: "axis", x1: left, x2: right, y1: middle, y2: middle }),
    zopa && svg("rect", { class: "zopa-core", x: x(zopa[0]), width: Math.max(x(zopa[1]) - x(zopa[0]), 1), y: middle - 9, height: 18 }),
    isNumber(nash) && svg("line", { class: "nash-line", x1: x(nash), x2: x(nash), y1: middle - 14, y2: middle + 14 }),
    mark(limits[0], `${names[0]} ${shortMoney(limits[0])}`, "buyer", true), mark(limits[1], `${names[1]} ${shortMoney(limits[1])}`, "seller", false),
    isNumber(price) && svg("circle", { class: "deal", cx: x(price), cy: middle, r: 6.5 }),
    label(left, 88, shortMoney(deal.low)), label(right, 88, shortMoney(deal.high), "dim", "end"));
}

// The belief of each seat over time against the truth: `rows` are `{seat, band, truth: [{x, price}]}`.
export function beliefChart(width, { deal, rows, last }) {
  const left = 46, right = width - 10, top = 8, height = clamp(width * 0.3, 120, 200), bottom = top + height;
  const at = scale(0.5, last + 0.75, left, right), up = scale(deal.low, deal.high, bottom, top);
  const y = (price) => up(clamp(price, deal.low, deal.high));
  return frame(width, bottom + 38, priceAxis(deal, left, right, up, height), roundAxis(at, last, bottom, right - left),
    rows.map(({ seat, band, truth }) => [bandOf(band, at, up, deal, seat),
      svg("polyline", { class: `limit ${seat}`, points: points(truth.flatMap((p, k) => [...(k ? [[at(p.x), y(truth[k - 1].price)]] : []), [at(p.x), y(p.price)]])) })]));
}

// ---------------------------------------------------------------- the plane of both gains

const gains = (price, k, data, limits) => [limits[0] + data.package_worth[0][k] - price, price + data.package_worth[1][k] - limits[1]];

// The pieces of each package's line that no other package beats: [package, from, to] in gains of the buyer.
export function frontier(data, limits) {
  const { low, high } = data.deal;
  const lines = data.deal.packages.map((_, k) => {
    const [most, least] = [gains(low, k, data, limits), gains(high, k, data, limits)];
    return { k, joint: most[0] + most[1], from: least[0], to: most[0], mostOther: least[1] };
  });
  return lines.flatMap((line) => {
    let parts = [[line.from, line.to]];
    for (const other of lines) {
      if (other.joint < line.joint - 1e-9 || other === line || (Math.abs(other.joint - line.joint) <= 1e-9 && other.k > line.k)) continue;
      const [a, b] = [line.joint - other.mostOther, other.to];
      parts = parts.flatMap(([from, to]) => [[from, Math.min(to, a)], [Math.max(from, b), to]].filter(([x, z]) => z > x + 1e-9));
    }
    return parts.map(([from, to]) => ({ k: line.k, joint: line.joint, from, to }));
  });
}

export function planeChart(width, data, until) {
  const final = data.moments[data.moments.length - 1].limits, { low, high } = data.deal, outcome = data.outcome;
  const size = Math.min(width, 460), left = 52, right = size - 10, top = 10, bottom = top + (right - left);
  const all = data.deal.packages.flatMap((_, k) => [gains(low, k, data, final), gains(high, k, data, final)]);
  const best = Math.max(...all.map(([b, s]) => b + s)), pad = 0.12 * Math.abs(best || high - low);
  const [least, most] = [Math.min(-pad, -0.35 * Math.max(best, 0)), Math.max(best + pad, pad)];
  const across = scale(least, most, left, right), up = scale(least, most, bottom, top);
  const inView = ([b, s]) => b >= least && b <= most && s >= least && s <= most;
  const at = ([b, s]) => [across(clamp(b, least, most)), up(clamp(s, least, most))];
  const segment = (joint, from, to, kind) => {
    const [a, b] = [Math.max(from, least, joint - most), Math.min(to, most, joint - least)];
    return b > a && svg("line", { class: kind, x1: across(a), x2: across(b), y1: up(joint - a), y2: up(joint - b) });
  };
  const trace = (seat) => data.turns.slice(0, until).filter((turn) => turn.seat === seat && turn.price !== null && turn.move !== "ACCEPT")
    .map((turn) => gains(turn.price, turn.package || 0, data, final)).filter(inView).map(at);
  const named = outcome ? [["ks", outcome.kalai_smorodinsky_worth], ["egalitarian", outcome.egalitarian_worth]] : [];
  const nash = outcome && isNumber(outcome.nash_price) ? gains(outcome.nash_price, packageNamed(data.deal, outcome.nash_package), data, final) : null;
  const accepted = data.turns.slice(0, until).find((turn) => turn.move === "ACCEPT");
  return frame(size, bottom + 38,
    ticks(least, most, 5).map((value) => [
      svg("line", { class: value === 0 ? "grid zero" : "grid", x1: across(value), x2: across(value), y1: top, y2: bottom }),
      svg("line", { class: value === 0 ? "grid zero" : "grid", x1: left, x2: right, y1: up(value), y2: up(value) }),
      label(across(value), bottom + 16, shortMoney(value), "dim", "middle"), label(left - 6, up(value) + 4, shortMoney(value), "dim", "end")]),
    label(right, bottom + 34, CHART.gainOf("buyer"), "dim", "end"), svg("text", { class: "dim", x: 12, y: top + 4, transform: `rotate(-90 12 ${top + 4})`, "text-anchor": "end" }, CHART.gainOf("seller")),
    data.deal.packages.map((_, k) => { const ends = [gains(high, k, data, final), gains(low, k, data, final)]; return segment(ends[0][0] + ends[0][1], ends[0][0], ends[1][0], "package"); }),
    frontier(data, final).map(({ joint, from, to }) => segment(joint, from, to, "frontier")),
    SEATS.map((seat) => { const path = trace(seat); return svg("g", { class: seat }, path.length > 1 && svg("polyline", { class: "thin", points: points(path) }), path.map(([x, y]) => svg("circle", { class: "mark", cx: x, cy: y, r: 3 }))); }),
    named.map(([kind, worth]) => worth && svg("rect", { class: `solution ${kind}`, x: at(worth)[0] - 5, y: at(worth)[1] - 5, width: 10, height: 10 })),
    nash && diamond(...at(nash), 7, "solution nash"),
    accepted && svg("circle", { class: "deal", cx: at(gains(accepted.price, accepted.package || 0, data, final))[0], cy: at(gains(accepted.price, accepted.package || 0, data, final))[1], r: 6.5 }));
}
const packageNamed = (deal, text) => Math.max(0, deal.packages.findIndex((_, k) => packageText(k, deal) === text));

export const momentsOf = (data, until) => data.moments.slice(0, until + 1).map((moment, k) => ({ ...moment, x: momentPlace(data, k) }));
