import { el, fill, svg, DASH, MINUS, isNumber, fixed, percent, scale, legend, behind } from "./elements.js";
import { replayLink } from "./held.js";

(() => {
// Everything on the page comes from `data`, and every text reaches it through textContent or setAttribute, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const { names, kinds, scenarios, analysis, summary, offers } = data;
const SEATS = ["buyer", "seller"];
const standings = analysis.standings;
const order = standings.map((s) => names.indexOf(s.name)); // entrants' numbers, the best first
const standing = new Map(standings.map((s) => [s.name, s]));

// ---------------------------------------------------------------- parts of the page

const section = (id, ...children) => fill(document.getElementById(id), {}, children);
const note = (...texts) => el("p", { class: "note" }, ...texts);
const panel = (...children) => el("div", { class: "panel" }, ...children);

// ---------------------------------------------------------------- numbers as text

const signed = (x, digits = 3) => (isNumber(x) && x > 0 ? "+" : "") + fixed(x, digits);
const count = (x) => (isNumber(x) ? x.toLocaleString("en-US") : DASH);
const ratio = (a, b) => (b > 0 ? a / b : null);
const pValue = (p) => (!isNumber(p) ? DASH : p < 0.0001 ? "< 0.0001" : p.toFixed(4));
const interval = (i) => (i ? `${fixed(i.low)} to ${fixed(i.high)}` : DASH);
const currency = (amount, deal) => amount.toLocaleString("en-US", { minimumFractionDigits: deal.digits, maximumFractionDigits: deal.digits });
const money = (amount, deal) => // a price: exactly, where it lies between two units
  `${deal.currency} ${amount.toLocaleString("en-US", { minimumFractionDigits: deal.digits, maximumFractionDigits: deal.exact_digits })}`;
const price = (x, deal) => (isNumber(x) ? money(deal.low + x * (deal.high - deal.low), deal) : DASH);
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const listed = (words) => (words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}` : words[0]);
const sum = (values) => values.reduce((a, b) => a + b, 0);

function ticks(low, high, most) {
  const rough = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) found.push(k * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0));
  return found.map((value) => ({ value, text: fixed(value, digits) }));
}
const cut = (name, width) => {
  const most = Math.max(4, Math.floor(width / 6.9));
  return name.length > most ? name.slice(0, most - 1) + "…" : name;
};
const shortMoney = (amount) =>
  amount >= 1e6 ? `${+(amount / 1e6).toFixed(1)}M` : amount >= 1e4 ? `${Math.round(amount / 1e3)}k` : `${+amount.toFixed(2)}`;

// ---------------------------------------------------------------- the note that follows the pointer, and the keyboard

const tip = document.getElementById("tip");
function placeTip(x, y) {
  const box = tip.getBoundingClientRect(), edge = 8;
  const left = Math.min(Math.max(edge, x - box.width / 2), document.documentElement.clientWidth - box.width - edge);
  const top = y - box.height - 14 < edge ? y + 18 : y - box.height - 14;
  tip.style.left = `${Math.max(edge, left)}px`;
  tip.style.top = `${Math.min(top, window.innerHeight - box.height - edge)}px`;
}
function showTip(content, x, y) {
  const { title, rows = [], text } = content;
  const list = rows.length ? el("dl", {}, rows.map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])) : null;
  tip.replaceChildren(...[title && el("b", {}, title), text && el("span", {}, text), list].filter(Boolean));
  tip.hidden = false;
  placeTip(x, y);
}
const hideTip = () => { tip.hidden = true; };
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
addEventListener("scroll", hideTip, { passive: true, capture: true });

// Give an element details: shown on hover, focus and tap, and read out by screen readers as its label.
function hint(node, tell) {
  const content = tell();
  const spoken = [content.title, content.text, ...(content.rows || []).map(([key, value]) => `${key}: ${value}`)];
  node.setAttribute("aria-label", spoken.filter(Boolean).join("; "));
  node.addEventListener("pointermove", (event) => showTip(content, event.clientX, event.clientY));
  node.addEventListener("pointerleave", hideTip);
  node.addEventListener("focus", () => {
    const box = node.getBoundingClientRect();
    showTip(content, box.left + box.width / 2, box.top);
  });
  node.addEventListener("blur", hideTip);
  return node;
}

// One stop of the Tab key for many marks; the arrow keys move between them, in rows of `columns`.
function rove(nodes, columns = 1) {
  nodes.forEach((node, i) => {
    node.setAttribute("tabindex", i === 0 ? "0" : "-1");
    node.addEventListener("keydown", (event) => {
      const along = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
      const next = along === undefined ? undefined : nodes[i + along];
      if (!next) return;
      event.preventDefault();
      nodes.forEach((other) => other.setAttribute("tabindex", other === next ? "0" : "-1"));
      next.focus();
    });
  });
}

// ---------------------------------------------------------------- pieces that charts and tables share

// A chart that is drawn for the width it has, and again when that changes.
function chart(label, draw) {
  const host = el("div", { class: "chart", role: "group", "aria-label": label });
  let width = 0;
  const drawn = () => {
    if (host.clientWidth > 0 && host.clientWidth !== width) {
      width = host.clientWidth;
      host.replaceChildren(draw(width));
    }
  };
  new ResizeObserver(() => requestAnimationFrame(drawn)).observe(host);
  host.redraw = () => { width = 0; drawn(); };
  return host;
}

function choice(label, options, chosen, onChoose) {
  const buttons = options.map(([value, text]) =>
    el("button", { type: "button", "data-value": value, "aria-pressed": String(value === chosen), onclick: () => pick(value) }, text));
  function pick(value) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.value === String(value)));
    onChoose(value);
  }
  return el("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}

function select(label, options, chosen, onChoose, id) {
  const list = el("select", { id, onchange: () => onChoose(list.value) },
    options.map(([value, text]) => el("option", { value, selected: String(value) === String(chosen) }, text)));
  return el("label", {}, label, list);
}

const table = (columns, rows, { caption, tall } = {}) =>
  el("div", {}, caption && el("p", { class: "small" }, caption), scrolled(sortable(columns, rows), caption, tall));
const scrolled = (inner, label, tall) =>
  el("div", { class: tall ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": label || "Table" }, inner);

// A table by columns `{head, cell(row), value(row), kind}`; a column with `value` sorts when its head is pressed.
function sortable(columns, rows) {
  const body = el("tbody");
  const heads = columns.map((column) =>
    el("th", { scope: "col", class: column.kind, title: column.title },
      column.value ? el("button", { type: "button", onclick: (event) => sort(column, event.currentTarget.parentNode) }, column.head) : column.head));
  function draw(list) {
    body.replaceChildren(...list.map((row) => el("tr", {}, columns.map((column) =>
      el(column.kind === "name" ? "th" : "td", { class: column.kind, scope: column.kind === "name" ? "row" : null }, column.cell(row))))));
  }
  function sort(column, head) {
    const isDown = head.getAttribute("aria-sort") !== "descending" && column.kind !== "name";
    const isUp = column.kind === "name" && head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    const down = column.kind === "name" ? !isUp : isDown;
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const known = (value) => value !== null && value !== undefined;
    draw([...rows].sort((a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      if (!known(x) || !known(y)) return Number(known(y)) - Number(known(x));
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    }));
  }
  draw(rows);
  return el("table", {}, el("thead", {}, el("tr", {}, heads)), body);
}
const nameOf = (name) => [name, kinds[names.indexOf(name)] === "policy" ? el("span", { class: "tag" }, "policy") : null];
const meter = (share, colour) => el("span", { class: "meter", "aria-hidden": "true" },
  el("i", { vars: { width: `${Math.round(100 * Math.min(1, Math.max(0, share || 0)))}%`, "--key": colour } }));

function axisX(at, marks, top, bottom, zero) {
  return marks.map(({ value, text }, i) => [
    svg("line", { class: zero && value === 0 ? "grid zero" : "grid", x1: at(value), x2: at(value), y1: top, y2: bottom }),
    svg("text", { class: "dim", x: at(value), y: bottom + 16, "text-anchor": "middle" }, text),
  ]);
}

// Means with their intervals, a line each: rows `{name, points: [{interval, kind}], tell}`.
function dotChart(width, rows, axis) {
  const bounds = rows.flatMap((row) => row.points.flatMap((p) => [p.interval.low, p.interval.high, p.interval.mean])).filter(isNumber);
  const [low, high] = [Math.min(...bounds), Math.max(...bounds)];
  const left = Math.min(150, Math.max(86, width * 0.22)), right = 50, line = 30, top = 6;
  const pad = (high - low || 1) * 0.03, bottom = top + rows.length * line;
  const at = scale(low - pad, high + pad, left, width - right);
  const hits = [];
  const lines = rows.map((row, i) => {
    const y = top + (i + 0.5) * line, main = row.points[row.points.length - 1];
    const hit = svg("rect", { class: "hit", role: "img", x: 0, y: y - line / 2, width, height: line, rx: 5 });
    hits.push(hint(hit, row.tell));
    return [
      svg("text", { x: left - 12, y: y + 4, "text-anchor": "end" }, cut(row.name, left - 12)),
      row.points.map((p, k) => {
        const off = row.points.length > 1 ? (k === row.points.length - 1 ? 0 : k === 0 ? -8 : 8) : 0;
        const size = k === row.points.length - 1 ? 5 : 3.25;
        return svg("g", { class: p.kind },
          isNumber(p.interval.low) && svg("line", { class: "whisker", x1: at(p.interval.low), x2: at(p.interval.high), y1: y + off, y2: y + off }),
          isNumber(p.interval.mean) && svg("circle", { class: "mark", cx: at(p.interval.mean), cy: y + off, r: size }));
      }),
      svg("text", { x: width, y: y + 4, "text-anchor": "end" }, fixed(main.interval.mean)),
      hit,
    ];
  });
  rove(hits);
  return svg("svg", { width, height: bottom + 40, viewBox: `0 0 ${width} ${bottom + 40}` },
    axisX(at, ticks(low, high, (width - left - right) / 70), top, bottom, true), lines,
    svg("text", { class: "dim", x: (left + width - right) / 2, y: bottom + 36, "text-anchor": "middle" }, axis));
}

// ---------------------------------------------------------------- head of the page

function drawHead() {
  const [first, second] = standings;
  const against = (other) => analysis.comparisons.find((c) => [c.better, c.worse].includes(first.name) && [c.better, c.worse].includes(other.name));
  const near = standings.slice(1).filter((s) => against(s) && against(s).p_holm >= 0.05).map((s) => s.name);
  const has = ` has the highest mean payoff, ${fixed(first.payoff.mean)} (95% interval ${interval(first.payoff)})`;
  const by = !second ? "." : near.length
    ? `, but ${near.length > 3 ? `${near.length} others do` : `${listed(near)} ${near.length > 1 ? "do" : "does"}`} about as well: these games cannot tell them apart.`
    : `, ${fixed(first.payoff.mean - second.payoff.mean)} ahead of ${second.name}; chance does not explain its lead over anyone.`;
  fill(document.getElementById("lede"), {}, [el("strong", {}, first.name), has + by]);
  const facts = [["entrants", count(names.length)], ["scenarios", count(scenarios.length)], ["games", count(data.total)],
    ["games a cell", count(data.games_per_cell)], ["seed", String(data.seed)], ["rules", data.rules_name], ...(data.form ? [["form", data.form]] : [])];
  fill(document.getElementById("facts"), {}, facts.map(([key, value]) => el("div", {}, el("dt", {}, key), el("dd", {}, value))));
  drawTheme();
}

function drawTheme() {
  const button = document.getElementById("theme"), root = document.documentElement, modes = ["system", "light", "dark"];
  let mode = "system";
  button.addEventListener("click", () => {
    mode = modes[(modes.indexOf(mode) + 1) % 3];
    if (mode === "system") delete root.dataset.theme;
    else root.dataset.theme = mode;
    button.textContent = `Theme: ${mode}`;
  });
}

// ---------------------------------------------------------------- ranking

function drawRanking() {
  const seats = { payoff: "overall", as_buyer: "as buyer", as_seller: "as seller" };
  let by = "payoff";
  const rows = () => [...standings].sort((a, b) => b[by].mean - a[by].mean).map((s) => ({
    name: s.name,
    points: [{ interval: s.as_buyer, kind: "buyer" }, { interval: s.as_seller, kind: "seller" }, { interval: s.payoff, kind: "overall" }],
    tell: () => ({ title: `${s.rank}. ${s.name}`, rows: [
      ...Object.entries(seats).map(([key, text]) => [text, `${fixed(s[key].mean)}  (${interval(s[key])})`]),
      ["rank as buyer, as seller", `${s.rank_as_buyer}, ${s.rank_as_seller}`], ["games", count(s.games)]] }),
  }));
  const dots = chart("Mean payoffs with 95% intervals", (width) => dotChart(width, rows(), "mean payoff, in nominal ZOPA widths"));
  section("ranking",
    note("Mean discounted gain over all games, in units of the ZOPA at nominal figures, with 95% bootstrap intervals. All pairs play the same games, in both seats" + (data.openers === 2 ? ", with both openers." : ".")),
    el("div", { class: "controls" }, choice("Order by", Object.entries(seats), by, (value) => { by = value; dots.redraw(); })),
    panel(legend([["overall", "var(--ink)", "round"], ["as buyer", "var(--buyer)", "round"], ["as seller", "var(--seller)", "round"]]), dots),
    panel(rankingTable(), equilibrium()));
}

// Who is chosen for which seat where each seat chooses apart.
function equilibrium() {
  const { seats } = analysis;
  if (!seats) return null;
  const mix = (shares) => listed(Object.entries(shares).filter(([, share]) => share > 0.0005).sort((a, b) => b[1] - a[1]).map(([name, share]) => `${name} ${percent(share)}`));
  return note(`In equilibrium, where each seat chooses its entrant apart, buyers are ${mix(seats.buyer)}, sellers ${mix(seats.seller)}.`);
}

function rankingTable() {
  const figure = (head, key, show, title) => ({ head, title, cell: (s) => show(s[key]), value: (s) => s[key] });
  const payoff = (head, key, rank) => ({ head, value: (s) => s[key].mean,
    cell: (s) => [fixed(s[key].mean), rank ? el("span", { class: "small" }, ` (${s[rank]})`) : null] });
  const columns = [
    { head: "rank", cell: (s) => String(s.rank), value: (s) => -s.rank, kind: "small" },
    { head: "entrant", cell: (s) => nameOf(s.name), value: (s) => s.name, kind: "name" },
    payoff("payoff", "payoff"), { head: "95% interval", cell: (s) => interval(s.payoff) },
    payoff("as buyer (rank)", "as_buyer", "rank_as_buyer"), payoff("as seller (rank)", "as_seller", "rank_as_seller"),
    figure("regret", "regret", fixed, meaning("regret")), figure("Nash share", "nash", percent, meaning("nash")),
    figure("α-rank", "alpha_rank", (x) => percent(x, 1), meaning("alpha_rank")),
    figure("Elo", "elo", (x) => fixed(x, 0), meaning("elo")),
    figure("Bradley-Terry", "bradley_terry", fixed, meaning("bradley_terry")),
  ];
  if (standings.some((s) => s.forfeits > 0)) columns.push(figure("forfeits", "forfeits", count));
  return table(columns, standings, { caption: "Press a heading to sort. Ranks in one seat stand in brackets; what each column means stands at the end of the page." });
}
const meaning = (key) => (analysis.definitions.find((d) => d.key === key) || {}).meaning;

// ---------------------------------------------------------------- pairs: the heat map

const pairs = { seat: "both", scenario: "all", chosen: order.length > 1 ? [order[0], order[1]] : [0, 0] };

// The matrix that is asked for: its row's payoff against its column.
function matrixOf(seat, scenario) {
  const whole = { both: analysis.payoff_matrix, buyer: analysis.buyer_matrix, seller: analysis.seller_matrix };
  if (scenario === "all") return whole[seat];
  if (seat === "both") return analysis.payoff_matrix_by_scenario[scenario];
  const cells = summary.cells[seat][scenarios.findIndex((s) => s.name === scenario)];
  return seat === "buyer" ? cells : names.map((_, row) => names.map((__, column) => cells[column][row]));
}

// Everything that is known of a row against a column, over the scenarios asked for.
function pairFacts(row, column, scenario) {
  const which = scenario === "all" ? scenarios.map((_, i) => i) : [scenarios.findIndex((s) => s.name === scenario)];
  const isSelf = row === column;
  const total = (kind, b, s) => sum(which.map((i) => summary.cells[kind][i][b][s]));
  const mean = (kind, b, s) => ratio(sum(which.map((i) => summary.cells[kind][i][b][s] * summary.cells.games[i][b][s])), total("games", b, s));
  const games = total("games", row, column) + total("games", column, row);
  const way = (b, s, seat) => {
    const facts = [[`payoff of the buyer${isSelf ? "" : `, ${names[b]}`}`, fixed(mean("buyer", b, s))], [`of the seller${isSelf ? "" : `, ${names[s]}`}`, fixed(mean("seller", b, s))],
      [`deals${seat}`, percent(ratio(total("deals", b, s), total("games", b, s)))], [`rounds${seat}`, fixed(mean("rounds", b, s), 1)]];
    return which.length > 1 ? facts : [...facts, [`mean price${seat}`, price(summary.cells.price[which[0]][b][s], scenarios[which[0]])]];
  };
  if (isSelf) return [...way(row, row, ""), ["games", count(games / 2)]];
  return [...way(row, column, `, ${names[row]} buying`), ...way(column, row, `, ${names[row]} selling`), ["games", count(games)]];
}

function drawPairs() {
  const host = el("div"), details = el("div", { "aria-live": "polite" });
  const again = () => { drawHeat(host, details); };
  section("pairs",
    note("The mean payoff of the row against the column, entrants in the order of the ranking. Choose a cell for its figures and its offers."),
    el("div", { class: "controls" },
      choice("Seat of the row", [["both", "both seats"], ["buyer", "as buyer"], ["seller", "as seller"]], "both", (value) => { pairs.seat = value; again(); }),
      select("Scenario", [["all", "all scenarios"], ...scenarios.map((s) => [s.name, s.title])], "all", (value) => { pairs.scenario = value; again(); }, "heat-scenario")),
    el("div", { class: "panel beside" }, host, details));
  again();
}

function drawHeat(host, details) {
  const matrix = matrixOf(pairs.seat, pairs.scenario), values = matrix.flat().filter(isNumber);
  const high = Math.max(...values, 1e-9), low = Math.min(...values, 0);
  const buttons = [];
  const cell = (row, column) => {
    const value = matrix[row][column];
    const part = !isNumber(value) ? 0 : value >= 0 ? value / high : value / low;
    const tell = () => ({ title: `${names[row]} against ${names[column]}: ${fixed(value)}`, rows: pairFacts(row, column, pairs.scenario) });
    const chosen = pairs.chosen && pairs.chosen[0] === row && pairs.chosen[1] === column;
    const button = el("button", { type: "button", "aria-pressed": String(Boolean(chosen)), onclick: () => {
      pairs.chosen = [row, column];
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      drawPair(details);
    } }, fixed(value, 2).replace("0.", "."));
    buttons.push(hint(button, tell));
    const kind = ["cell", value < 0 ? "loss" : "gain", part > 0.68 ? "strong" : "", row === column ? "self" : ""].join(" ");
    return el("td", { class: kind, vars: { "--part": part.toFixed(3) } }, button);
  };
  const head = el("tr", {}, el("td"), order.map((column) => el("th", { scope: "col", title: names[column] }, el("span", {}, names[column]))));
  const lines = order.map((row) => el("tr", {}, el("th", { scope: "row", class: "name", title: names[row] }, names[row]), order.map((column) => cell(row, column))));
  rove(buttons, order.length);
  const heat = el("table", { class: "heat" }, el("thead", {}, head), el("tbody", {}, lines));
  const ends = (from, to, a, b) => el("div", { class: "scale" }, a, el("i", { vars: { "--from": from, "--to": to } }), b);
  host.replaceChildren(scrolled(heat, "Payoffs of rows against columns"), ends("var(--heat-zero)", "var(--heat)", "0", fixed(high, 2)),
    ...(low < 0 ? [ends("var(--heat-zero)", "var(--heat-loss)", "0", `${fixed(low, 2)}, a loss`)] : []));
  drawPair(details);
}

function drawPair(details) {
  const [row, column] = pairs.chosen;
  const where = pairs.scenario === "all" ? "over all scenarios" : scenarios.find((s) => s.name === pairs.scenario).title;
  const show = (buyer, seller, text) => el("button", { type: "button", class: "to-offers", onclick: () => openOffers(buyer, seller, pairs.scenario) }, text);
  details.replaceChildren(
    el("h3", {}, row === column ? `${names[row]} against itself` : `${names[row]} against ${names[column]}`), el("p", { class: "small" }, where),
    el("dl", { class: "pair" }, pairFacts(row, column, pairs.scenario).map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])),
    el("div", { class: "controls" }, show(row, column, `Offers, ${names[row]} buying`), row !== column && show(column, row, `Offers, ${names[row]} selling`)));
}

// ---------------------------------------------------------------- scenarios

function drawScenarios() {
  const body = el("div", { role: "tabpanel", id: "scenario-panel", tabindex: "0" });
  const tabs = scenarios.map((deal, i) => el("button", { type: "button", role: "tab", id: `tab-${i}`, "aria-controls": "scenario-panel",
    onclick: () => choose(i), onkeydown: (event) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = (to + tabs.length) % tabs.length;
      choose(next);
      tabs[next].focus();
    } }, deal.title));
  function choose(i) {
    tabs.forEach((tab, k) => { tab.setAttribute("aria-selected", String(k === i)); tab.setAttribute("tabindex", k === i ? "0" : "-1"); });
    body.setAttribute("aria-labelledby", `tab-${i}`);
    body.replaceChildren(...scenarioParts(i));
  }
  section("scenarios", el("div", { role: "tablist", "aria-label": "Scenarios" }, tabs), body);
  choose(0);
}

function scenarioParts(i) {
  const deal = scenarios[i], there = analysis.by_scenario[deal.name], zopa = summary.zopa[i];
  const cells = summary.cells, games = sum(cells.games[i].flat()), deals = sum(cells.deals[i].flat());
  const facts = `${deal.name}: prices from ${money(deal.low, deal)} to ${money(deal.high, deal)}, ${plural(deal.rounds, "round")}`
    + `${deal.packages > 1 ? `, ${deal.packages} packages of terms` : ""}. ${percent(zopa.share)} of the games began with a ZOPA; ${percent(ratio(deals, games))} of all games ended in a deal.`;
  const rows = there.map((s) => ({ name: s.name, points: [{ interval: s.payoff, kind: "overall" }],
    tell: () => ({ title: s.name, rows: [["payoff", fixed(s.payoff.mean)], ["95% interval", interval(s.payoff)], ["deals", percent(s.deal_rate)],
      ["deals where a ZOPA was", percent(s.zopa_deal_rate)]] }) }));
  const columns = [
    { head: "entrant", cell: (s) => nameOf(s.name), value: (s) => s.name, kind: "name" },
    { head: "payoff", cell: (s) => fixed(s.payoff.mean), value: (s) => s.payoff.mean },
    { head: "95% interval", cell: (s) => interval(s.payoff) },
    { head: "deals", cell: (s) => percent(s.deal_rate), value: (s) => s.deal_rate },
    { head: "deals where a ZOPA was", cell: (s) => percent(s.zopa_deal_rate), value: (s) => s.zopa_deal_rate },
  ];
  return [
    el("h3", {}, deal.title), deal.story ? el("p", {}, deal.story) : null, note(facts),
    el("div", { class: "two" },
      panel(el("h3", {}, "Standings here"), chart(`Payoffs in ${deal.title}`, (width) => dotChart(width, rows, "mean payoff")), behind("Table", table(columns, there))),
      pricesPanel(i)),
    endingsPanel(i, there),
  ].filter(Boolean);
}

// Deals by price against the ZOPA, or by how they split the surplus, of all games or of one entrant in a seat.
function pricesPanel(i) {
  const deal = scenarios[i];
  let kind = "price", who = "all";
  const host = chart(`Deals in ${deal.title}`, (width) => histogram(width, i, kind, who));
  const notes = {
    price: "Light: where 90% of the ZOPAs' ends lie; dark: the median ZOPA; dashed: the median Nash point." + (deal.packages > 1 ? " Prices of all packages together; the ZOPA is that of the best one." : ""),
    split: "The seller's part of the two gains of a deal. Between 0 and 100% both gain; beyond, one of them loses by the deal.",
  };
  const told = note(notes[kind]);
  const people = [["all", "all deals"], ...order.flatMap((n) => SEATS.map((seat) => [`${seat} ${n}`, `${names[n]} as ${seat}`]))];
  return panel(el("h3", {}, "Where the deals lie"),
    el("div", { class: "controls" },
      choice("Deals by", [["price", "price"], ["split", "split of the gains"]], kind, (value) => { kind = value; told.textContent = notes[value]; host.redraw(); }),
      select("Deals of", people, who, (value) => { who = value; host.redraw(); }, "prices-of")),
    host, told);
}

function histogram(width, i, kind, who) {
  const deal = scenarios[i], counts = summary.histograms[kind], bins = counts.buyer[i][0].length;
  const all = Array.from({ length: bins }, (_, bin) => sum(counts.buyer[i].map((entrant) => entrant[bin])));
  const [seat, number] = who.split(" ");
  const shown = who === "all" ? all : counts[seat][i][Number(number)];
  const parts = [all, shown].map((list) => { const total = sum(list); return list.map((n) => (total ? n / total : 0)); });
  const [low, high] = kind === "price" ? [0, 1] : data.split_range;
  const left = 34, right = 8, top = 24, height = 190, bottom = top + height, most = Math.max(...parts.flat(), 1e-9);
  const at = scale(low, high, left, width - right), up = scale(0, most * 1.05, bottom, top);
  const edge = (bin) => at(low + ((high - low) * bin) / bins);
  const text = (x) => (kind === "price" ? shortMoney(deal.low + x * (deal.high - deal.low)) : percent(x));
  const bars = parts[1].map((share, bin) => {
    const [a, b] = [bin, bin + 1].map((k) => low + ((high - low) * k) / bins);
    const bar = svg("rect", { class: `hit bar ${who === "all" ? "overall" : seat}`, role: "img", x: edge(bin), y: top, width: Math.max(edge(bin + 1) - edge(bin), 1), height });
    const span = kind === "price" ? `${price(a, deal)} to ${price(b, deal)}` : `${percent(a, 1)} to ${percent(b, 1)} to the seller`;
    return hint(bar, () => ({ title: span, rows: [["deals", count(shown[bin])], ["share", percent(share, 1)], ...(who === "all" ? [] : [["share of all deals", percent(parts[0][bin], 1)]])] }));
  });
  rove(bars);
  const xs = kind === "price" ? ticks(deal.low, deal.high, width / 90).map(({ value }) => ({ value: (value - deal.low) / (deal.high - deal.low) })) : ticks(0, 1, 4);
  const outline = parts[0].map((share, bin) => `${bin ? "L" : "M"}${edge(bin)},${up(share)}L${edge(bin + 1)},${up(share)}`).join("");
  return svg("svg", { width, height: bottom + 22, viewBox: `0 0 ${width} ${bottom + 22}` },
    axisX(at, xs.map(({ value }) => ({ value, text: text(value) })), top, bottom),
    ticks(0, most, 3).map(({ value }) => svg("text", { class: "dim", x: left - 5, y: up(value) + 4, "text-anchor": "end" }, percent(value, most < 0.03 ? 1 : 0))),
    room(at, kind === "price" ? summary.zopa[i] : { low: [0, 0, 0], high: [1, 1, 1], nash: [0.5, 0.5, 0.5] }, top, bottom, kind === "price" ? "ZOPA" : "both gain"),
    parts[1].map((share, bin) => share > 0 && svg("rect", { class: `mark ${who === "all" ? "overall" : seat}`, opacity: 0.72, x: edge(bin) + 0.5, width: Math.max(edge(bin + 1) - edge(bin) - 1, 0.5), y: up(share), height: bottom - up(share) })),
    who !== "all" && svg("path", { class: "overall single", d: outline }),
    sum(shown) === 0 && svg("text", { class: "dim", x: (left + width) / 2, y: top + height / 2, "text-anchor": "middle" }, "no deals"),
    bars);
}

// Where the ZOPA and the Nash point lie on a horizontal price axis.
function room(at, zopa, top, bottom, label) {
  if (!zopa.low) return null;
  const band = (kind, from, to) => to > from && svg("rect", { class: kind, x: at(from), width: at(to) - at(from), y: top, height: bottom - top });
  const [start, end] = [Math.max(zopa.low[0], 0), Math.min(zopa.high[2], 1)];
  return [band("zopa-band", start, end), band("zopa-core", Math.max(zopa.low[1], 0), Math.min(zopa.high[1], 1)),
    svg("line", { class: "nash-line", x1: at(zopa.nash[1]), x2: at(zopa.nash[1]), y1: top, y2: bottom }),
    svg("text", { class: "room", x: at(zopa.nash[1]), y: top - 8, "text-anchor": "middle" }, `Nash point, in the middle of ${label === "ZOPA" ? "the ZOPA" : "both gains"}`)];
}

function endingsPanel(i, there) {
  const { endings } = data, words = (kind) => kind.replace("_", " ");
  const used = endings.map((_, k) => k).filter((k) => summary.endings[i].some((counts) => counts[k] > 0));
  const rows = there.map((s) => ({ name: s.name, counts: summary.endings[i][names.indexOf(s.name)] }));
  const draw = (width) => {
    const left = Math.min(130, Math.max(86, width * 0.24)), line = 22, height = rows.length * line + 4;
    const hits = [];
    const bars = rows.map((row, r) => {
      const total = sum(row.counts) || 1, y = r * line + 2;
      let x = left;
      const parts = used.map((k) => {
        const w = ((width - left) * row.counts[k]) / total, rect = svg("rect", { x, y, width: Math.max(w - 1, 0), height: line - 5, fill: `var(--${endings[k]})` });
        x += w;
        return rect;
      });
      const hit = svg("rect", { class: "hit", role: "img", x: 0, y: y - 2, width, height: line });
      hits.push(hint(hit, () => ({ title: row.name, rows: used.map((k) => [words(endings[k]), `${percent(row.counts[k] / total, 1)}  (${count(row.counts[k])})`]) })));
      return [svg("text", { x: left - 10, y: y + 13, "text-anchor": "end" }, cut(row.name, left - 10)), parts, hit];
    });
    rove(hits);
    return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, bars);
  };
  return panel(el("h3", {}, "How games end"), legend(used.map((k) => [words(endings[k]), `var(--${endings[k]})`])), chart("Endings by entrant", draw));
}

// ---------------------------------------------------------------- offer curves

const floor = { scenario: 0, buyer: order[0], seller: order[Math.min(1, order.length - 1)], view: "both", around: "buyer" };
let redrawOffers = () => {};

function openOffers(buyer, seller, scenario) {
  Object.assign(floor, { buyer, seller });
  if (scenario !== "all") floor.scenario = scenarios.findIndex((s) => s.name === scenario);
  redrawOffers();
  document.getElementById("offers").scrollIntoView();
}
function curvesOf(buyer, seller) {
  const { pairs: found, rounds } = offers.scenarios[floor.scenario], pair = found[buyer * names.length + seller];
  if (!pair || !pair.mean) return pair;
  return { ...pair, mean: pair.mean.map(running), open: rounds.map((_, k) => (pair.open[k] || 0) / 100) };
}
const whyNot = (buyer, seller, found) => {
  const policies = [buyer, seller].filter((n) => kinds[n] === "policy");
  if (policies.length) return `${names[policies[0]]} is a policy, and its games cannot be played again for this page; parlay replay tells them where the policy is at hand.`;
  if (found) return "These games no longer come out as they were played: the report was made with another version.";
  return "This page holds the offers of the best entrants only; parlay replay tells every game.";
};

function drawOffers() {
  const controls = el("div", { class: "controls" }), host = el("div"), around = el("div");
  const people = order.map((n) => [n, names[n]]);
  redrawOffers = () => {
    controls.replaceChildren(
      select("Scenario", scenarios.map((s, i) => [i, s.title]), floor.scenario, (value) => { floor.scenario = Number(value); redrawOffers(); }, "offers-scenario"),
      select("Buyer", people, floor.buyer, (value) => { floor.buyer = Number(value); redrawOffers(); }, "offers-buyer"),
      select("Seller", people, floor.seller, (value) => { floor.seller = Number(value); redrawOffers(); }, "offers-seller"),
      choice("Curves", [["both", "mean and games"], ["mean", "mean"], ["games", "games"]], floor.view, (value) => { floor.view = value; drawMain(); }));
    drawMain();
    drawAround();
  };
  const drawMain = () => host.replaceChildren(...offersPanel());
  const drawAround = () => around.replaceChildren(...minis(() => redrawOffers()));
  section("offers",
    note(`Standing offers after every round. Thick: the mean of ${plural(offers.mean_of, "game")}, in which both sides stand at the price of the deal once there is one. Thin: single games, with a dot at the deal and a cross where there was none. Everything is played again from the seed.`),
    controls, panel(host), el("h3", {}, "Against everyone"), around);
  redrawOffers();
}

function offersPanel() {
  const { buyer, seller } = floor, found = curvesOf(buyer, seller), deal = scenarios[floor.scenario];
  const title = el("h3", {}, `${names[buyer]} buys from ${names[seller]}`);
  if (!found || !found.mean) return [title, note(whyNot(buyer, seller, found))];
  const told = (found.transcripts || []).map((game) => el("button", { type: "button", class: "tell", onclick: () => openTranscript(game, buyer, seller) },
    `Read game ${game.number}, the ${SEATS[game.opener]} opens`));
  const cells = summary.cells, s = floor.scenario;
  const facts = `${percent(ratio(cells.deals[s][buyer][seller], cells.games[s][buyer][seller]))} of ${plural(cells.games[s][buyer][seller], "game")} end in a deal, at ${price(cells.price[s][buyer][seller], deal)} on average, after ${fixed(cells.rounds[s][buyer][seller], 1)} rounds.`;
  return [title, note(facts), legend([[`${names[buyer]}, the buyer`, "var(--buyer)"], [`${names[seller]}, the seller`, "var(--seller)"], ["ZOPA, median and 90%", "var(--zopa)"], ["Nash point", "var(--zopa)", "rule"], ["games still open", "var(--dim)"]]),
    chart("Offers by round", (width) => offersChart(width, found)),
    told.length ? el("div", { class: "controls" }, told) : null, behind("Table of the mean offers", offersTable(found))].filter(Boolean);
}

function offersTable(found) {
  const rounds = offers.scenarios[floor.scenario].rounds, deal = scenarios[floor.scenario];
  const at = (seat) => (k) => price(found.mean[seat][k] === null ? null : found.mean[seat][k] / 1000, deal);
  return table([{ head: "round", cell: (k) => String(rounds[k]) }, { head: "buyer", cell: at(0) }, { head: "seller", cell: at(1) },
    { head: "games still open", cell: (k) => percent(found.open[k]) }], rounds.map((_, k) => k), { caption: "Mean standing offers" });
}

function curve(xs, ys, at, up) {
  let path = "";
  ys.forEach((y, k) => { if (y !== null) path += `${path && ys[k - 1] !== null ? "L" : "M"}${at(xs[k]).toFixed(1)},${up(y / 1000).toFixed(1)}`; });
  return path;
}

// The prices of a curve from their changes.
function running(changes) {
  let now = 0;
  return changes.map((change) => (change === null ? null : (now += change)));
}

// The rounds of a single game's points: those of the scenario's curves, and the one in which it ended.
const gameRounds = (last) => [...offers.scenarios[floor.scenario].rounds.filter((r) => r < last), last];

function offersBody(found, at, up, view) {
  const rounds = offers.scenarios[floor.scenario].rounds, parts = [];
  if (view !== "mean") for (const [, , last, isDeal, ...changes] of found.games) {
    const xs = gameRounds(last), curves = changes.map(running);
    SEATS.forEach((seat, k) => parts.push(svg("path", { class: `single ${seat}`, d: curve(xs, curves[k], at, up) })));
    SEATS.forEach((seat, k) => {
      const y = curves[k][curves[k].length - 1];
      if (y === null || (isDeal && k)) return;
      const [cx, cy] = [at(last), up(y / 1000)];
      parts.push(isDeal ? svg("circle", { class: "mark overall", cx, cy, r: 3.5 })
        : svg("path", { class: `single open ${seat}`, d: `M${cx - 3.5},${cy - 3.5}l7,7m0,-7l-7,7` }));
    });
  }
  if (view !== "games") SEATS.forEach((seat, k) => parts.push(svg("path", { class: `curve ${seat}`, d: curve(rounds, found.mean[k], at, up) })));
  return parts;
}

function roomAcross(up, x1, x2) {
  const zopa = summary.zopa[floor.scenario];
  if (!zopa.low) return null;
  const band = (kind, low, high) => high > low && svg("rect", { class: kind, x: x1, width: x2 - x1, y: up(high), height: up(low) - up(high) });
  return [band("zopa-band", Math.max(zopa.low[0], 0), Math.min(zopa.high[2], 1)), band("zopa-core", Math.max(zopa.low[1], 0), Math.min(zopa.high[1], 1)),
    svg("line", { class: "nash-line", x1, x2, y1: up(zopa.nash[1]), y2: up(zopa.nash[1]) })];
}

function offersChart(width, found) {
  const deal = scenarios[floor.scenario], rounds = offers.scenarios[floor.scenario].rounds, last = rounds[rounds.length - 1];
  const left = 48, right = 12, top = 10, height = Math.min(380, Math.max(260, width * 0.45)), bottom = top + height, strip = 30;
  const at = scale(0.5, last + 0.5, left, width - right), up = scale(0, 1, bottom, top);
  const ys = ticks(deal.low, deal.high, height / 50);
  const step = at(last) - at(rounds.length > 1 ? rounds[rounds.length - 2] : last - 1);
  const hits = rounds.map((round, k) => {
    const [b, s] = found.mean.map((prices) => (prices[k] === null ? null : prices[k] / 1000));
    const gap = isNumber(b) && isNumber(s) ? money((s - b) * (deal.high - deal.low), deal) : DASH;
    const hit = svg("rect", { class: "hit", role: "img", x: at(round) - step / 2, width: step, y: top, height: height + strip });
    return hint(hit, () => ({ title: `after round ${round}`, rows: [["buyer's mean offer", price(b, deal)], ["seller's", price(s, deal)], ["gap", gap], ["games still open", percent(found.open[k])]] }));
  });
  rove(hits);
  const opens = scale(0, 1, 0, strip - 8);
  return svg("svg", { width, height: bottom + strip + 40, viewBox: `0 0 ${width} ${bottom + strip + 40}` },
    ys.map(({ value }) => { const y = up((value - deal.low) / (deal.high - deal.low)); return [svg("line", { class: "grid", x1: left, x2: width - right, y1: y, y2: y }), svg("text", { class: "dim", x: left - 6, y: y + 4, "text-anchor": "end" }, shortMoney(value))]; }),
    roomAcross(up, left, width - right), offersBody(found, at, up, floor.view),
    found.open.map((share, k) => svg("rect", { fill: "var(--dim)", opacity: 0.55, x: at(rounds[k]) - step * 0.35, width: step * 0.7, y: bottom + strip - opens(share), height: opens(share) })),
    svg("line", { class: "grid", x1: left, x2: width - right, y1: bottom + strip, y2: bottom + strip }),
    ticks(1, last, width / 60).filter(({ value }) => Number.isInteger(value)).map(({ value }) => svg("text", { class: "dim", x: at(value), y: bottom + strip + 16, "text-anchor": "middle" }, String(value))),
    svg("text", { class: "dim", x: (left + width - right) / 2, y: bottom + strip + 35, "text-anchor": "middle" }, `round; prices in ${deal.currency}`), hits);
}

function minis(again) {
  const { around } = floor, centre = floor[around], other = around === "buyer" ? "seller" : "buyer";
  const tile = (n) => {
    const [buyer, seller] = around === "buyer" ? [centre, n] : [n, centre], found = curvesOf(buyer, seller);
    const games = summary.cells.games[floor.scenario][buyer][seller], deals = summary.cells.deals[floor.scenario][buyer][seller];
    const picture = chart(`Offers of ${names[buyer]} and ${names[seller]}`, (width) => {
      const rounds = offers.scenarios[floor.scenario].rounds, height = 74;
      const at = scale(1, Math.max(rounds[rounds.length - 1], 2), 2, width - 2), up = scale(0, 1, height - 2, 2);
      return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, roomAcross(up, 0, width), found && found.mean && offersBody(found, at, up, "mean"));
    });
    return el("button", { type: "button", "aria-pressed": String(n === floor[other]), onclick: () => { floor[other] = n; again(); } },
      names[n], el("span", { class: "small" }, `${percent(ratio(deals, games))} deals`), picture);
  };
  return [el("div", { class: "controls" }, choice("Everyone against", [["buyer", `${names[floor.buyer]} buying`], ["seller", `${names[floor.seller]} selling`]], around, (value) => { floor.around = value; again(); })),
    el("div", { class: "minis" }, order.map(tile))];
}

// ---------------------------------------------------------------- a game turn by turn

function openTranscript(game, buyer, seller) {
  const dialog = document.getElementById("transcript"), deal = scenarios[floor.scenario], players = [names[buyer], names[seller]];
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const lines = [];
  const last = [null, null];
  let round = -1;
  game.turns.forEach((turn, i) => {
    const skips = game.skipped && i >= game.skipped[0], index = i + (skips ? game.skipped[1] : 0);
    if (game.skipped && i === game.skipped[0]) lines.push(el("li", { class: "round" }, `${game.skipped[1]} turns are left out`));
    if (Math.floor(index / 2) !== round) lines.push(el("li", { class: "round" }, `Round ${(round = Math.floor(index / 2)) + 1}`));
    lines.push(...turnLines(turn, game.opener ^ (index & 1), deal, players, last));
  });
  const end = game.end.map((place) => el("p", {}, offers.strings[place]));
  dialog.replaceChildren(
    el("div", { class: "top" }, el("div", {}, el("h3", { id: "transcript-title" }, `${players[0]} buys from ${players[1]}`),
      el("div", { class: "small" }, `${deal.title}; seed ${data.seed}, game ${game.number}, the ${SEATS[game.opener]} opens`), replayOf(game, players, deal)), close),
    el("div", { class: "body" }, el("ol", { class: "turns" }, lines), el("div", { class: "end-of-game" }, end)));
  dialog.showModal();
  dialog.scrollTop = 0;
  close.focus();
}

const inShell = (name) => (/^[\w.:-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

// The page of the game with both beliefs and limits turn by turn, or the command that makes it where the report has no room.
const replayOf = (game, players, deal) => (game.replay === null ? replayCommand(game, players, deal) : el("p", {}, replayLink(game.replay)));
const replayCommand = (game, players, deal) => [note("This command makes a page of the game that goes through it turn by turn, with what was hidden:"),
  el("pre", {}, `parlay replay results/games.parquet --buyer ${inShell(players[0])} --seller ${inShell(players[1])} --scenario ${inShell(deal.name)} --opener ${SEATS[game.opener]} --game ${game.number} --html game.html`)];

function turnLines([deed, told = 0, terms = 0, tension = 0, words = 0, result = 0, headlines = 0, eroded = 0], seat, deal, players, last) {
  const text = (place) => offers.strings[place], lines = [];
  for (const headline of text(headlines).split("\n").filter(Boolean)) lines.push(el("li", { class: "news" }, headline));
  const isPriced = told !== null, does = text(deed), isDeal = does === "accepts";
  const amount = isPriced && !isDeal ? (last[seat] || 0) + told : told; // an offer is told as a change from the one before
  const change = isPriced && !isDeal && last[seat] !== null ? (seat ? -told : told) : 0;
  if (isPriced && !isDeal) last[seat] = amount;
  const offered = terms ? text(terms) : "";
  if (offered) last[`terms${seat}`] = offered;
  const meant = offered || last[`terms${isDeal ? 1 - seat : seat}`] || "";
  const said = text(words).replaceAll("{price}", isPriced ? money(amount, deal) : "").replaceAll("{terms}", meant);
  lines.push(el("li", { class: SEATS[seat] },
    el("div", { class: "deed" }, el("b", {}, `${players[seat]}, ${SEATS[seat]},`), `${does}${isPriced ? ` ${money(amount, deal)}` : ""}`,
      el("span", { class: "end" }, `${change ? `gives ${fixed(change, 0) === "0" ? fixed(change, deal.digits) : (change < 0 ? MINUS : "") + currency(Math.abs(change), deal)}, ` : ""}tension ${tension}`)),
    offered && el("div", { class: "small" }, `with ${offered}`), result ? el("div", { class: "small" }, text(result)) : null,
    said && el("div", { class: "words" }, said.startsWith("(") ? said : `“${said}”`)));
  if (eroded) lines.push(el("li", { class: "small" }, "Patience wears thin on both sides: the room for a deal shrinks."));
  return lines;
}

// ---------------------------------------------------------------- population

// Muted colours that people with colour blindness tell apart (Tol, 2021), with lighter ones between for larger fields.
const FIELD = ["#332288", "#88CCEE", "#117733", "#DDCC77", "#CC6677", "#44AA99", "#882255", "#999933", "#AA4499", "#6699CC", "#661100", "#BBBBBB"];
const colourOf = (n) => FIELD[order.indexOf(n) % FIELD.length];

function drawPopulation() {
  const { times, shares } = analysis.replicator;
  const host = section("population", note("Start with equal shares of every entrant and let each grow with its payoff against the others (replicator dynamics, Taylor and Jonker, 1978): who feeds on whom, and who is left in the end."));
  if (!times.length) return void host.append(note("No dynamics were computed."));
  const areas = chart("Shares of a population over time", (width) => populationChart(width, times, shares));
  const moments = [...new Set([0, 0.1, 0.25, 0.5, 1].map((part) => Math.round(part * (times.length - 1))))];
  const columns = [{ head: "entrant", cell: (n) => nameOf(names[n]), value: (n) => names[n], kind: "name" },
    ...moments.map((k) => ({ head: `t = ${fixed(times[k], times[times.length - 1] < 10 ? 1 : 0)}`, cell: (n) => percent(shares[k][n], 1), value: (n) => shares[k][n] }))];
  const keys = el("ul", { class: "legend" }, order.map((n) => el("li", { "data-entrant": n }, el("i", { vars: { "--key": colourOf(n) } }), names[n])));
  host.append(panel(areas, keys, behind("Table", table(columns, order))));
}

function populationChart(width, times, shares) {
  const left = 40, right = 10, top = 8, height = Math.min(340, Math.max(220, width * 0.4)), bottom = top + height;
  const at = scale(times[0], times[times.length - 1], left, width - right), up = scale(0, 1, bottom, top);
  const below = times.map(() => 0), labels = [];
  const areas = [...order].reverse().map((n) => {
    const lower = [...below];
    let best = 0;
    times.forEach((_, k) => { below[k] += shares[k][n]; });
    times.forEach((t, k) => { const inside = at(t) > left + 40 && at(t) < width - right - 40; if (inside && shares[k][n] > shares[best][n] + 1e-6) best = k; });
    const upper = times.map((t, k) => `${at(t).toFixed(1)},${up(below[k]).toFixed(1)}`), back = times.map((t, k) => `${at(t).toFixed(1)},${up(lower[k]).toFixed(1)}`).reverse();
    const area = svg("path", { class: "area", role: "img", fill: colourOf(n), d: `M${upper.join("L")}L${back.join("L")}Z` });
    const near = times.map((_, k) => k).filter((k) => Math.abs(at(times[k]) - at(times[best])) < 4 * names[n].length);
    const [low, high] = [Math.max(...near.map((k) => lower[k])), Math.min(...near.map((k) => below[k]))];
    if (best > 0 && (high - low) * height > 15) labels.push([names[n], at(times[best]), up((high + low) / 2), n]);
    const end = times.length - 1;
    return hint(area, () => ({ title: names[n], rows: [["at the start", percent(shares[0][n], 1)], ["half-way", percent(shares[end >> 1][n], 1)], ["in the end", percent(shares[end][n], 1)]] }));
  });
  areas.forEach((area) => ["pointerenter", "focus"].forEach((kind) => area.addEventListener(kind, () => areas.forEach((other) => other.classList.toggle("faded", other !== area)))));
  areas.forEach((area) => ["pointerleave", "blur"].forEach((kind) => area.addEventListener(kind, () => areas.forEach((other) => other.classList.remove("faded")))));
  rove(areas);
  const dark = new Set(["#332288", "#117733", "#882255", "#661100", "#AA4499", "#CC6677"]);
  return svg("svg", { width, height: bottom + 40, viewBox: `0 0 ${width} ${bottom + 40}` },
    [0, 0.5, 1].map((y) => svg("text", { class: "dim", x: left - 6, y: up(y) + 4, "text-anchor": "end" }, percent(y))), areas,
    labels.map(([name, x, y, n]) => { const label = svg("text", { x, y: y + 4, "text-anchor": "middle", "pointer-events": "none" }, name); label.style.fill = dark.has(colourOf(n)) ? "#fff" : "#111"; return label; }),
    ticks(times[0], times[times.length - 1], width / 80).map(({ value, text }) => svg("text", { class: "dim", x: at(value), y: bottom + 17, "text-anchor": "middle" }, text)),
    svg("text", { class: "dim", x: (left + width - right) / 2, y: bottom + 36, "text-anchor": "middle" }, "time"));
}

// ---------------------------------------------------------------- bluffs

function drawBluffs() {
  const c = summary.conduct, of = (key) => (n) => c[key][n];
  const challenges = (n) => c.bluffs_caught[n] + c.wrong_challenges[n];
  const counted = (head, key) => ({ head, cell: (n) => count(c[key][n]), value: of(key) });
  const shared = (head, key, whole, colour, title) => ({ head, title, value: (n) => ratio(c[key][n], whole(n)),
    cell: (n) => [count(c[key][n]), el("span", { class: "small share" }, percent(ratio(c[key][n], whole(n)), 1)), meter(ratio(c[key][n], whole(n)), colour)] });
  const columns = [
    { head: "entrant", cell: (n) => nameOf(names[n]), value: (n) => names[n], kind: "name" },
    counted("claims", "claims"), shared("bluffs, of its claims", "bluffs", of("claims"), "var(--seller)"),
    shared("caught, of its bluffs", "bluffs_exposed", of("bluffs"), "var(--forfeit)"),
    counted("bluffs it caught", "bluffs_caught"), shared("wrong, of its challenges", "wrong_challenges", challenges, "var(--deadline)"),
    shared("capitulations, of its deals", "capitulations", of("deals"), "var(--collapsed)", "deals worth less than nothing to it"),
    shared("walk-aways, of its games", "walk_aways", of("games"), "var(--dim)"),
  ];
  if (sum(c.forfeits) > 0) columns.push(counted("forfeits", "forfeits"));
  section("bluffs", note("Over all games, in both seats. A bluff is a claim about one's limit that lies too far from the truth; a capitulation is a deal worth less than nothing to the seat."),
    panel(table(columns, order, { caption: "Press a heading to sort." })));
}

// ---------------------------------------------------------------- comparisons

function drawComparisons() {
  let who = "all";
  const host = el("div"), all = analysis.comparisons;
  if (!all.length) return void section("comparisons", note("There is only one entrant."));
  const bounds = all.flatMap((c) => [c.difference.low, c.difference.high]).filter(isNumber);
  const [start, end] = [Math.min(0, ...bounds), Math.max(1e-9, ...bounds)];
  const picture = (c) => {
    const at = scale(start, end, 6, 174), d = c.difference;
    return svg("svg", { width: 180, height: 16, viewBox: "0 0 180 16", "aria-hidden": "true", class: "overall" }, svg("line", { class: "grid zero", x1: at(0), x2: at(0), y1: 0, y2: 16 }),
      isNumber(d.low) && svg("line", { class: "whisker", x1: at(d.low), x2: at(d.high), y1: 8, y2: 8 }), svg("circle", { class: "mark", cx: at(d.mean), cy: 8, r: 2.75 }));
  };
  const columns = [
    { head: "better", cell: (c) => c.better, value: (c) => c.better, kind: "name" }, { head: "worse", cell: (c) => c.worse, value: (c) => c.worse, kind: "text" },
    { head: "difference", cell: (c) => signed(c.difference.mean), value: (c) => c.difference.mean }, { head: "95% interval", cell: (c) => interval(c.difference) },
    { head: "", cell: picture }, { head: "p", cell: (c) => pValue(c.p), value: (c) => c.p },
    { head: "p, Holm", cell: (c) => (c.p_holm < 0.05 ? el("strong", {}, pValue(c.p_holm)) : pValue(c.p_holm)), value: (c) => c.p_holm },
  ];
  const draw = () => host.replaceChildren(table(columns, all.filter((c) => who === "all" || c.better === who || c.worse === who), { caption: "Bold: below 0.05 after correction.", tall: true }));
  const clear = all.filter((c) => c.p_holm < 0.05).length;
  section("comparisons",
    note(`Differences of mean payoff on the same games. ${count(clear)} of ${plural(all.length, "pair")} differ by more than chance explains at 5%, corrected for the number of comparisons (Holm, 1979).`),
    el("div", { class: "controls" }, select("With", [["all", "everyone"], ...order.map((n) => [names[n], names[n]])], who, (value) => { who = value; draw(); }, "compared")), panel(host));
  draw();
}

// ---------------------------------------------------------------- metrics and method

function drawMetrics() {
  let among = "all_games";
  const host = el("div"), keys = Object.keys((standings[0] || {}).metrics || {});
  const definition = (key) => analysis.definitions.find((d) => d.key === key) || { name: key.replaceAll("_", " ") };
  const shown = (value) => (!isNumber(value) ? DASH : Math.abs(value) >= 100 ? fixed(value, 0) : Math.abs(value) >= 10 ? fixed(value, 1) : fixed(value, 3));
  const columns = () => [
    { head: "metric", kind: "name", value: (key) => definition(key).name, cell: (key) => [el("span", { title: definition(key).meaning }, definition(key).name), el("span", { class: "unit" }, definition(key).unit || "")] },
    ...standings.map((s) => ({ head: s.name, cell: (key) => shown((s.metrics[key] || {})[among]) })),
  ];
  const draw = () => host.replaceChildren(table(columns(), keys.filter((key) => standings.some((s) => isNumber((s.metrics[key] || {})[among]))), { caption: "Entrants in the order of the ranking." }));
  section("metrics", note("Every metric as it is defined below, over all games or over those that ended in a deal."),
    el("div", { class: "controls" }, choice("Games", [["all_games", "all games"], ["deals", "deals only"]], among, (value) => { among = value; draw(); })), panel(host));
  draw();
}

function drawMethod() {
  const defined = (d) => [el("dt", {}, d.name, d.unit && el("span", { class: "unit" }, d.unit)),
    el("dd", {}, d.meaning, d.formula && [" ", el("code", {}, d.formula)], d.source && el("span", { class: "small" }, ` ${d.source}`))];
  section("method",
    el("p", {}, `Every entrant meets every entrant, itself included, as buyer and as seller, ${data.openers === 2 ? "with both openers, " : ""}over ${plural(scenarios.length, "scenario")}, ${plural(data.games_per_cell, "game")} each time: ${plural(data.total, "game")} in all. Game k of a scenario has the same limits and other draws for every pair, so that differences between entrants are not differences of luck.`),
    el("h3", {}, "Play it again"), el("pre", {}, data.command), note(`Made with ${data.versions}. The same seed and versions give the same games, whatever the number of threads.`),
    panel(el("h3", {}, "Definitions"), el("dl", { class: "defined" }, analysis.definitions.map(defined))),
    behind("Rules of these games", el("pre", {}, JSON.stringify(data.rules, null, 1))),
    behind("Entrants", table([{ head: "name", kind: "name", cell: (n) => names[n] }, { head: "kind", kind: "text", cell: (n) => kinds[n] }, { head: "", kind: "wrap", cell: (n) => data.about[n] }], names.map((_, n) => n))));
}

// Mark the section that is being read in the bar at the top.
function followReader() {
  const links = [...document.querySelectorAll("nav a")];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) for (const link of links) link.classList.toggle("here", link.hash === `#${entry.target.id}`);
  }, { rootMargin: "-20% 0px -70% 0px" });
  document.querySelectorAll("main > section").forEach((part) => seen.observe(part));
}

drawHead();
drawRanking();
drawPairs();
drawScenarios();
drawOffers();
drawPopulation();
drawBluffs();
drawComparisons();
drawMetrics();
drawMethod();
followReader();
document.documentElement.dataset.ready = "yes";
})();
