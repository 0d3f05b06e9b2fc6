// Elements, numbers as text, and the pieces that all charts share. Every text reaches the page through textContent or
// setAttribute, never as markup.

export function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}
export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// ---------------------------------------------------------------- numbers as text

export const DASH = "–", MINUS = "−";
export const isNumber = (x) => typeof x === "number" && Number.isFinite(x);
export const fixed = (x, digits = 3) => {
  if (!isNumber(x)) return DASH;
  const text = Math.abs(x).toFixed(digits);
  return (x < 0 && Number(text) !== 0 ? MINUS : "") + text;
};
export const percent = (x, digits = 0) => (isNumber(x) ? fixed(100 * x, digits) + "%" : DASH);
const grouped = (amount, least, most) =>
  (amount < 0 ? MINUS : "") + Math.abs(amount).toLocaleString("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
// A price of an offer, exactly, where it lies between two units.
export const exactMoney = (amount, deal) => `${deal.currency} ${grouped(amount, deal.digits, deal.exact_digits)}`;
// A worth or an estimate, rounded to the scenario's decimals.
export const roundMoney = (amount, deal) => `${deal.currency} ${grouped(Number(amount.toFixed(deal.digits)), deal.digits, deal.digits)}`;
export const signedMoney = (amount, deal) => (Number(amount.toFixed(deal.digits)) > 0 ? "+" : "") + grouped(Number(amount.toFixed(deal.digits)), deal.digits, deal.digits);
export const shortMoney = (amount) =>
  Math.abs(amount) >= 1e6 ? `${+(amount / 1e6).toFixed(2)}M` : Math.abs(amount) >= 1e4 ? `${+(amount / 1e3).toFixed(1)}k` : `${+amount.toFixed(2)}`;

export function ticks(low, high, most) {
  const rough = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) found.push(k * step);
  return found;
}
export const scale = (low, high, from, to) => (x) => from + ((x - low) / (high - low || 1)) * (to - from);
export const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

// ---------------------------------------------------------------- pieces of a page

// A chart that is drawn for the width it has, and again when that changes. Its summary is what a screen reader says.
export function chart(summary, draw, kind = "") {
  const host = el("div", { class: `chart ${kind}`, role: "img", "aria-label": summary });
  let width = 0;
  const drawn = () => {
    if (host.clientWidth > 0 && host.clientWidth !== width) {
      width = host.clientWidth;
      host.replaceChildren(draw(width));
    }
  };
  queueMicrotask(drawn); // as soon as the caller has put it into the page, before anything is painted
  new ResizeObserver(() => requestAnimationFrame(drawn)).observe(host);
  return host;
}

export const legend = (entries) =>
  el("ul", { class: "legend" }, entries.map(([text, colour, shape]) => el("li", {}, el("i", { class: shape, vars: { "--key": colour } }), text)));
export const facts = (rows) =>
  el("dl", { class: "facts" }, rows.filter(Boolean).map(([name, value, kind]) => el("div", { class: kind }, el("dt", {}, name), el("dd", {}, value))));
export const panel = (title, ...children) =>
  el("section", { class: "panel" }, title && el("h2", {}, title), children);
export const wide = (summary, inner) =>
  el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": summary }, inner);
export function tableOf(caption, heads, rows) {
  return wide(caption, el("table", {}, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, k) => el(k ? "td" : "th", { scope: k ? null : "row" }, cell)))))));
}
export const behind = (title, ...inner) => el("details", {}, el("summary", {}, title), inner);
