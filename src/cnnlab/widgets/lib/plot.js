// Line charts as SVG text: numbers in, a string out. Colors come from the style's classes.
import { power } from "./words.js";

const MARGIN = { left: 46, right: 14, top: 12, bottom: 40 };
const DECADE_STEPS = [1, 2, 5, 10, 20, 50, 100];

export const tag = (name, attributes, content = "") =>
  `<${name} ${Object.entries(attributes).map(([key, value]) => `${key}="${value}"`).join(" ")}>${content}</${name}>`;

const text = (x, y, content, more = {}) => tag("text", { x: round(x), y: round(y), ...more }, content);
const round = (value) => Math.round(value * 10) / 10;

/** Pixels of a chart of this size whose x runs from x0 to x1 and whose y from y0 to y1. */
export function frame({ width, height, x: [x0, x1], y: [y0, y1] }) {
  const right = width - MARGIN.right, bottom = height - MARGIN.bottom;
  return {
    width, height, right, bottom, left: MARGIN.left, top: MARGIN.top, y0, y1,
    x: (value) => MARGIN.left + ((value - x0) / (x1 - x0)) * (right - MARGIN.left),
    y: (value) => bottom - ((Math.min(Math.max(value, y0), y1) - y0) / (y1 - y0)) * (bottom - MARGIN.top),
  };
}

/** Where log10 of these values lies, in whole steps, always around 1; `faint` ones may widen it by few decades. */
export function decades(values, faint = []) {
  const logs = (list) => list.filter((value) => value > 0 && value < Infinity).map(Math.log10);
  const own = [-2, 2, ...logs(values)];
  let low = Math.min(...own), high = Math.max(...own);
  const reach = Math.max(2, (high - low) / 2);
  low = Math.min(low, Math.max(low - reach, ...[Math.min(low, ...logs(faint))]));
  high = Math.max(high, Math.min(high + reach, Math.max(high, ...logs(faint))));
  const step = DECADE_STEPS.find((size) => (high - low) / size <= 6) ?? 200;
  const half = step / 2; // whole half steps, so that the axis stands still while a network trains
  return { y: [half * (Math.floor(low / half) - 0.4), half * (Math.ceil(high / half) + 0.4)], step };
}

/** Horizontal lines at whole powers of ten, with their labels. */
export function powerAxis(at, step) {
  let out = "";
  for (let y = step * Math.ceil(at.y0 / step); y <= at.y1; y += step) out += gridLine(at, y, power(y));
  return out;
}

export function gridLine(at, value, label) {
  const y = round(at.y(value));
  return tag("line", { class: "grid", x1: at.left, x2: at.right, y1: y, y2: y })
    + text(at.left - 7, y + 4, label, { "text-anchor": "end" });
}

/** Labels [[value, text], ...] under the chart, and the name of the axis below them. */
export function bottomAxis(at, labels, name) {
  const ticks = labels.map(([value, label]) => text(at.x(value), at.bottom + 16, label, { "text-anchor": "middle" }));
  return ticks.join("") + text((at.left + at.right) / 2, at.bottom + 34, name, { "text-anchor": "middle", class: "name" });
}

/** A line through the points that are numbers; zeros and infinities lie on the border, where `borders` names them. */
export function line(at, xs, ys, kind) {
  let path = "", up = true;
  ys.forEach((y, i) => {
    if (Number.isNaN(y)) { up = true; return; }
    path += `${up ? "M" : "L"}${round(at.x(xs[i]))} ${round(at.y(y))}`;
    up = false;
  });
  return tag("path", { class: kind, d: path || "M0 0" });
}

const SHAPES = {
  circle: (x, y) => tag("circle", { class: "mark", cx: x, cy: y, r: 2.8 }),
  diamond: (x, y) => tag("path", { class: "mark", d: `M${x} ${y - 3.9}l3.9 3.9l-3.9 3.9l-3.9 -3.9z` }),
  square: (x, y) => tag("rect", { class: "mark open", x: x - 4, y: y - 4, width: 8, height: 8 }),
  cross: (x, y) => tag("path", { class: "mark cross", d: `M${x - 3.5} ${y - 3.5}l7 7m-7 0l7 -7` }),
};

/** A mark at each point: `shape`, an open square at the last (the output), a cross where the value left the scale. */
export function marks(at, xs, logs, shape) {
  return logs.map((y, i) => {
    const kind = Number.isFinite(y) ? (i + 1 === logs.length ? "square" : shape) : "cross";
    return SHAPES[kind](round(at.x(xs[i])), round(at.y(Number.isNaN(y) ? Infinity : y)));
  }).join("");
}

/** Words at the border for values that no logarithmic axis can show. */
export function borders(at, logs) {
  const middle = (at.left + at.right) / 2;
  const say = (y, words) => text(middle, y, words, { "text-anchor": "middle", class: "border" });
  return (logs.includes(-Infinity) ? say(at.bottom - 8, "✕ 0: every value is exactly zero") : "")
    + (logs.includes(Infinity) ? say(at.top + 19, "✕ ∞: larger than any 32-bit number") : "")
    + (logs.some(Number.isNaN) ? say(at.top + 19, "✕ NaN: no number any more") : "");
}

/** A shaded strip between two values of y. */
export const band = (at, low, high) => tag("rect", {
  class: "band", x: at.left, width: round(at.right - at.left), y: round(at.y(high)), height: round(at.y(low) - at.y(high)),
});

export const svg = ({ width, height }, content) => tag(
  "svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" }, content,
);
