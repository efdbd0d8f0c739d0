// The pictures of the training lab: curves of the members, layers and filters of one. Numbers in, SVG text out.
import { bottomAxis, decades, frame, gridLine, line, powerAxis, svg, tag } from "./plot.js";
import { inSeries, seriesMark } from "./series.js";

const heightOf = (width) => Math.round(Math.min(270, 130 + width * 0.27));
const fractions = (last) => [0, 0.25, 0.5, 0.75, 1].map((part) => [part * last, Math.round(part * last)]);

/** Means of up to ten losses before and at each step: what a batch draws by chance is no news. */
export const running = (losses) => losses.map((_, i) => {
  const near = losses.slice(Math.max(0, i - 9), i + 1);
  return near.reduce((sum, loss) => sum + loss, 0) / near.length;
});

/** A pinned curve, grey, with the dashes of its place, and that place as a number at its end. */
function pinCurve(at, xs, ys, { place }) {
  const end = xs.length - 1;
  const number = end < 0 ? "" : tag("text", { class: "named", x: at.x(xs[end]) + 5, y: at.y(ys[end]) + 4 }, place + 1);
  return tag("g", { class: "pinned" }, line(at, xs, ys, `before pin${place}`) + number);
}

/** Arrows where curves leave the picture at its top, and what they mean beside the first. `lists`: [[values, group of them], ...]. */
function cutsOf(at, top, lists) {
  const starts = (values) => values.flatMap((value, i) => (value > top && !(values[i - 1] > top) ? [at.x(i + 1)] : []));
  const arrow = (x) => tag("path", { class: "cut", d: `M${x - 4.5} ${at.top + 8}l4.5 -8l4.5 8z` });
  const first = Math.min(...lists.flatMap(([values]) => starts(values))), right = first > (at.left + at.right) / 2;
  const words = tag("text", { x: first, y: at.top - 2, "text-anchor": right ? "end" : "start", class: "off" }, "↑ off the scale");
  return lists.map(([values, group]) => group(starts(values).map(arrow).join(""))).join("") + (first < Infinity ? words : "");
}

/** The running mean of each member's loss, a cross where it diverged, pinned ones broken. `members`: [{losses, divergedAt, series}]. */
export function lossesPanel({ members, pinned, steps, classes, width, chosen }) {
  const guessing = Math.log(classes), top = 1.35 * guessing;
  const at = frame({ width, height: heightOf(width), x: [0, steps], y: [0, top] });
  const count = (list) => list.map((_, i) => i + 1), means = (list) => running(list.filter(Number.isFinite));
  const grid = [0, 1, 2, 3].filter((tick) => tick < top).map((tick) => gridLine(at, tick, tick)).join("");
  const guess = line(at, [0, steps], [guessing, guessing], "theory")
    + tag("text", { x: at.right, y: at.y(guessing) - 5, "text-anchor": "end" }, `guessing: ln ${classes}`);
  const old = pinned.map((pin) => pinCurve(at, count(means(pin.losses)), means(pin.losses), pin)).join("");
  const lines = members.map(({ losses, divergedAt, series }, i) => {
    const values = means(losses), end = values.length;
    const mark = end ? seriesMark(series, at.x(end), at.y(values[end - 1])) : "";
    const cross = divergedAt ? tag("path", { class: "mark cross", d: `M${at.x(divergedAt) - 4} ${at.top + 2}l8 8m-8 0l8 -8` }) : "";
    return inSeries(series, line(at, count(values), values, i === chosen ? "whole" : "measured") + mark + cross);
  });
  const cuts = cutsOf(at, top, [...pinned.map(({ losses }) => [means(losses), (drawn) => tag("g", { class: "pinned" }, drawn)]),
    ...members.map(({ losses, series }) => [means(losses), (drawn) => inSeries(series, drawn)])]);
  return svg(at, grid + bottomAxis(at, fractions(steps), "step") + guess + old + lines.join("") + cuts);
}

/** Held-out accuracy in percent at each look. */
export function accuracyPanel({ members, pinned, steps, classes, width, chosen }) {
  const at = frame({ width, height: heightOf(width), x: [0, steps], y: [0, 100] });
  const grid = [0, 25, 50, 75, 100].map((tick) => gridLine(at, tick, tick)).join("");
  const chance = line(at, [0, steps], [100 / classes, 100 / classes], "theory");
  const curve = (looks, kind) => line(at, looks.map(({ step }) => step), looks.map(({ accuracy }) => 100 * accuracy), kind);
  const lines = members.map(({ looks, series }, i) => inSeries(series, curve(looks, i === chosen ? "whole" : "measured")
    + looks.map(({ step, accuracy }) => seriesMark(series, at.x(step), at.y(100 * accuracy))).join("")));
  const old = pinned.map((pin) => pinCurve(at, pin.looks.map(({ step }) => step), pin.looks.map(({ accuracy }) => 100 * accuracy), pin));
  return svg(at, grid + bottomAxis(at, fractions(steps), "step") + chance + old.join("") + lines.join(""));
}

/** Signal and gradient of one member by layer, on a logarithmic axis; `first` are those at its first look. */
export function layersPanel({ layers, first, width }) {
  const column = (list, name) => list.map((layer) => layer[name]), names = ["signal", "gradient"];
  const { y, step } = decades(names.flatMap((name) => column(layers, name)), names.flatMap((name) => column(first, name)));
  const at = frame({ width, height: heightOf(width), x: [1, Math.max(2, layers.length)], y });
  const xs = layers.map((_, i) => i + 1), labels = xs.map((x) => [x, x === layers.length ? "out" : x]);
  const draw = (list, name, kind) => line(at, xs, column(list, name).map(Math.log10), kind);
  const named = (name, i) => tag("text", { x: at.x(xs.at(-1)) - 4, y: at.y(Math.log10(layers.at(-1)[name])) + (i ? 18 : -9), "text-anchor": "end", class: "named" }, name);
  const lines = names.map((name, i) => tag("g", { class: i ? "second" : "first" }, named(name, i) + draw(first, name, "before") + draw(layers, name, "measured")
    + xs.map((x, k) => (layers[k][name] > 0 ? tag("circle", { class: "mark", cx: at.x(x), cy: at.y(Math.log10(layers[k][name])), r: 3 }) : "")).join("")));
  return svg(at, powerAxis(at, step) + bottomAxis(at, labels, "layer") + lines.join(""));
}

/** The first layer's filters, 3x3 each: dark for what adds, light-colored for what takes away, grey for nothing. */
export function filtersPanel(filters, size = 3) {
  const cell = 9, gap = 5, side = size * cell + gap, across = Math.min(8, filters.length), most = Math.max(1e-12, ...filters.flat().map(Math.abs));
  const squares = filters.flatMap((filter, k) => filter.map((weight, i) => tag("rect", {
    class: weight < 0 ? "minus" : "plus", x: (k % across) * side + (i % size) * cell, y: Math.floor(k / across) * side + Math.floor(i / size) * cell,
    width: cell, height: cell, opacity: (0.08 + 0.92 * Math.abs(weight) / most).toFixed(2),
  })));
  const rows = Math.ceil(filters.length / across);
  return tag("svg", { viewBox: `0 0 ${across * side} ${rows * side}`, width: Math.min(320, across * side * 1.3), "aria-hidden": "true" }, squares.join(""));
}

