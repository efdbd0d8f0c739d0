// Charts of one activation: the curve with its derivative, what comes out of a normal input, ten layers in a row.
import { bottomAxis, decades, frame, gridLine, line, marks, borders, powerAxis, svg, tag } from "./plot.js";
import { normalDensity, shares } from "./normal.js";
import { percent } from "./findings.js";

export const CURVE_REACH = 5;
const TINY = 1e-9, BINS = 61;

const tall = (width) => Math.round(Math.min(300, 150 + width * 0.32));
const grouped = (kind, content) => tag("g", { class: kind }, content);
const halo = (x, y, words, anchor, more = "") => tag("text", { x, y, "text-anchor": anchor, class: `halo ${more}` }, words);

/** x, f and f' along the chart. At a kink the slope is NaN, so that no line joins its two sides. */
function trace(unit) {
  const even = Array.from({ length: 241 }, (_, i) => -CURVE_REACH + (i * CURVE_REACH) / 120);
  const close = unit.kinks.flatMap((kink) => [kink - TINY, kink, kink + TINY]);
  const xs = [...new Set([...even, ...close])].filter((x) => Math.abs(x) <= CURVE_REACH).sort((a, b) => a - b);
  return { xs, f: xs.map(unit.value), slope: xs.map((x) => (jump(unit, x) ? NaN : unit.slope(x))) };
}

/** The slopes left and right of x where they differ, else null. */
export function jump(unit, x) {
  if (!unit.kinks.includes(x)) return null;
  const [left, right] = [unit.slope(x - TINY), unit.slope(x + TINY)];
  return Math.abs(left - right) > 1e-6 ? [left, right] : null;
}

/** Whole steps around these values, at most seven, and the numbers to write at them. */
function axis(values) {
  const low = Math.min(0, ...values), high = Math.max(1, ...values);
  const step = [0.25, 0.5, 1, 2, 5].find((size) => (high - low) / size <= 7) ?? 10;
  const pad = (high - low) * 0.06, ticks = [];
  for (let y = Math.ceil((low - pad) / step) * step; y <= high + pad; y += step) ticks.push(y);
  return { y: [low - pad, high + pad], ticks };
}

const signed = (value) => String(value).replace("-", "−");
const wholes = (low, high, step) => Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => [low + i * step, signed(low + i * step)]);

/** f and f' of `unit`, those of `pinned` behind them, where the input lies, and a reading line at `x`. */
export function curveChart({ unit, pinned, mean, std, x, width }) {
  const own = trace(unit), old = pinned && trace(pinned), numbers = (t) => [...t.f, ...t.slope.filter(Number.isFinite)];
  const { y, ticks } = axis([...numbers(own), ...(old ? numbers(old) : [])]);
  const at = frame({ width, height: tall(width), x: [-CURVE_REACH, CURVE_REACH], y });
  const both = (t, quiet) => grouped("second", line(at, t.xs, t.slope, `slope ${quiet}`)) + grouped("first", line(at, t.xs, t.f, `curve ${quiet}`));
  const ends = unit.kinks.filter((kink) => jump(unit, kink)).map((kink) => {
    const open = jump(unit, kink).filter((side) => Math.abs(side - unit.slope(kink)) > 1e-6); // torch takes the other one
    return open.map((side) => tag("circle", { class: "mark open", cx: at.x(kink), cy: at.y(side), r: 3 })).join("") + tag("circle", { class: "mark", cx: at.x(kink), cy: at.y(unit.slope(kink)), r: 3 });
  });
  const labels = grouped("first", halo(at.x(3.2) - 4, at.y(unit.value(3.2)) - 9, "f(x)", "end"))
    + grouped("second", halo(at.right - 2, at.y(unit.slope(CURVE_REACH)) - 7, "f′(x)", "end"));
  return svg(at, inputHill(at, mean, std) + ticks.map((tick) => gridLine(at, tick, signed(tick))).join("") + upright(at, 0, "zero")
    + bottomAxis(at, wholes(-CURVE_REACH, CURVE_REACH, width < 360 ? 2.5 : 1), "x") + fanOf(at, unit)
    + (old ? both(old, "quiet") : "") + both(own, "") + grouped("second", ends.join("")) + labels + reading(at, unit, x));
}

const upright = (at, x, kind) => tag("line", { class: kind, x1: at.x(x), x2: at.x(x), y1: at.top, y2: at.bottom });

function inputHill(at, mean, std) {
  const high = 0.28 * (at.bottom - at.top); // the peak, whatever the deviation: this shows where, not how many
  const points = Array.from({ length: 101 }, (_, i) => -CURVE_REACH + (i * CURVE_REACH) / 50)
    .map((x) => `${at.x(x).toFixed(1)} ${(at.bottom - (high * normalDensity((x - mean) / std)) / normalDensity(0)).toFixed(1)}`);
  return tag("path", { class: "hill", d: `M${at.x(-CURVE_REACH)} ${at.bottom}L${points.join("L")}L${at.right} ${at.bottom}z` });
}

/** The slopes that training may draw, as a wedge below zero. */
function fanOf(at, { fan }) {
  const ends = fan.map((slope) => `${at.x(-CURVE_REACH)} ${at.y(-CURVE_REACH * slope)}`);
  return fan.length ? grouped("first", tag("path", { class: "fan", d: `M${at.x(0)} ${at.y(0)}L${ends.join("L")}z` })) : "";
}

function reading(at, unit, x) {
  const dot = (kind, y) => grouped(kind, tag("circle", { class: "mark", cx: at.x(x), cy: at.y(y), r: 4.5 }));
  return upright(at, x, "reading") + dot("first", unit.value(x)) + dot("second", unit.slope(x));
}

/** Bins that hold nearly all of the input and the outputs, one of them around zero. */
function binning(units, mean, std) {
  const inputs = Array.from({ length: 129 }, (_, i) => mean + std * (i - 64) / 20);
  const values = [0, ...inputs, ...units.flatMap((unit) => inputs.map(unit.value))];
  const low = Math.min(...values), width = (Math.max(...values) - low) / (BINS - 1);
  return { low: (Math.floor(low / width) - 0.5) * width, width, count: BINS + 1 };
}

/** Shares before and after, over one axis. A bin above the chart is cut off and says its share. */
export function spreadChart({ unit, pinned, mean, std, zeros, width }) {
  const bins = binning(pinned ? [unit, pinned] : [unit], mean, std);
  const [before, after, old] = [{ value: (x) => x }, unit, pinned].map((one) => one && shares(one.value, mean, std, bins));
  const ceiling = Math.min(Math.max(...before, ...after), 4 * Math.max(...before));
  const at = frame({ width, height: tall(width), x: [bins.low, bins.low + bins.width * bins.count], y: [0, ceiling * 1.12] });
  const step = [0.01, 0.02, 0.05, 0.1, 0.2].find((size) => ceiling / size <= 5) ?? 0.5;
  const ticks = Array.from({ length: Math.floor((ceiling * 1.1) / step) + 1 }, (_, i) => i * step);
  const edge = (i) => bins.low + i * bins.width;
  const bars = after.map((share, i) => (share > 1e-5
    ? `M${at.x(edge(i + 0.08)).toFixed(1)} ${at.bottom}V${at.y(Math.min(share, ceiling)).toFixed(1)}H${at.x(edge(i + 0.92)).toFixed(1)}V${at.bottom}z` : "")).join("");
  const steps = (list) => [list.flatMap((_, i) => [edge(i), edge(i + 1)]), list.flatMap((share) => [Math.min(share, ceiling), Math.min(share, ceiling)])];
  const nice = [0.1, 0.2, 0.5, 1, 2, 5].find((size) => (bins.width * bins.count) / size <= width / 50) ?? 10;
  const places = wholes(Math.ceil(bins.low / nice), Math.floor(edge(bins.count) / nice), 1).map(([i]) => [i * nice, signed(Number((i * nice).toFixed(1)))]);
  return svg(at, ticks.map((tick) => gridLine(at, tick, percent(tick))).join("") + bottomAxis(at, places, "value")
    + grouped("first", tag("path", { class: "bars", d: bars || "M0 0" })) + line(at, ...steps(before), "input")
    + (old ? grouped("first", line(at, ...steps(old), "quiet")) : "") + cutOff(at, after, edge, ceiling, zeros));
}

/** A label at each group of bins that the ceiling cuts: the first on its left, the last on its right. */
function cutOff(at, after, edge, ceiling, zeros) {
  const groups = [];
  after.forEach((share, i) => {
    if (share <= ceiling) return;
    if (groups.at(-1)?.end !== i) groups.push({ from: i, share: 0 });
    groups.at(-1).share += share;
    groups.at(-1).end = i + 1;
  });
  const ends = groups.length > 2 ? [groups[0], groups.at(-1)] : groups;
  return ends.map(({ from, end, share }, i) => {
    const holds = edge(from) < 0 && edge(end) > 0 && zeros > 0.005;
    const left = ends.length === 2 ? i === 0 : at.x(edge(from)) > (at.left + at.right) / 2 + 1;
    const x = left ? at.x(edge(from)) - 5 : at.x(edge(end)) + 5;
    return halo(x, at.y(ceiling) + 3, holds ? `${percent(zeros)} exactly 0` : `${percent(share)} here`, left ? "end" : "start", "strong");
  }).join("");
}

/** Signal and gradient of ten layers on a logarithmic axis, those of the pinned activation behind them. */
export function chainChart({ now, old, width }) {
  const { y, step } = decades([...now.signal, ...now.gradient], old ? [...old.signal, ...old.gradient] : []);
  const layers = now.signal.map((_, i) => i), logs = (list) => list.map(Math.log10);
  const at = frame({ width, height: tall(width) - 30, x: [0, layers.length - 1], y });
  const drawn = (kind, column, shape) => grouped(kind, (old ? line(at, layers, logs(old[column]), "quiet") : "")
    + line(at, layers, logs(now[column]), "curve") + marks(at, layers, logs(now[column]), shape));
  return svg(at, powerAxis(at, step) + bottomAxis(at, layers.map((i) => [i, i || "in"]), "layer")
    + drawn("second", "gradient", "diamond") + drawn("first", "signal", "circle") + borders(at, logs(now.signal)));
}
