// Points over two measures, each on a linear or a logarithmic axis, with a front as a staircase. Numbers in, SVG text out.
import { bottomAxis, frame, gridLine, svg, tag } from "./plot.js";
import { axisOf, escaped, textWidth, tickWords } from "./scale.js";
import { inSeries, seriesMark } from "./series.js";

const MANTISSAS = [[1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]];
const WIDE = 4; // times the smallest value: from there on each step of the axis multiplies

/** 50k, 2M, 0.5: short enough for an axis. */
export function shortNumber(value) {
  const [size, unit] = value >= 1e9 ? [1e9, "G"] : value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
  return tickWords(Number((value / size).toPrecision(3))) + unit;
}

/** {low, high, ticks, to, log}: `to` turns a value into its place between low and high. */
export function axisFor(values, count, linear) {
  const found = values.filter(Number.isFinite), least = Math.min(...found), most = Math.max(...found);
  if (linear || !(least > 0) || most < WIDE * least) return { ...axisOf(found, count, 0.08), to: (value) => value, log: false };
  const to = Math.log10, pad = (to(most) - to(least)) * 0.07, low = to(least) - pad, high = to(most) + pad;
  const tens = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, i) => Math.floor(low) + i);
  const ticksOf = (kinds) => tens.flatMap((ten) => kinds.map((one) => Number((one * 10 ** ten).toPrecision(3)))).filter((tick) => to(tick) >= low && to(tick) <= high);
  const ticks = MANTISSAS.map(ticksOf).find((each) => each.length <= count) ?? ticksOf([1]);
  return { low, high, ticks, to, log: true };
}

/** Words on the side of a front's point where no other can lie, with a line to it where they are far; none without room. */
function placed({ x, y }, words, taken, { left, right, top, bottom }, [across, up]) {
  const wide = 1.2 * textWidth(words) + 2, middle = (y0) => y0 - 4; // of letters that stand on y0
  const spots = [0, 1, 2, 3, 4].flatMap((far) => [[0, 15 + 13 * far], [wide / 2 + 7 + 6 * far, 8 + 12 * far], [wide / 2 + 7 + 12 * far, 5 * far]])
    .map(([over, away]) => [x + across * over, y - up * away + 4]);
  const boxes = spots.map(([x0, y0]) => [x0 - wide / 2, y0 - 11, x0 + wide / 2, y0 + 2]);
  const free = (box) => box[0] >= left && box[2] <= right && box[1] >= top - 10 && box[3] <= bottom
    && !taken.some((one) => box[0] < one[2] && one[0] < box[2] && box[1] < one[3] && one[1] < box[3]);
  const i = boxes.findIndex(free);
  if (i < 0) return "";
  taken.push(boxes[i]);
  const [x0, y0] = spots[i].map((value) => value.toFixed(1));
  return (i > 2 ? tag("path", { class: "lead", d: `M${x} ${y}L${x0} ${middle(Number(y0))}` }) : "")
    + tag("text", { x: x0, y: y0, "text-anchor": "middle", class: "place" }, escaped(words));
}

/** Along the front each value holds until the next is reached: sideways first, or upwards first. */
function staircase(points, upFirst) {
  const path = points.map(({ x, y }, i) => (i === 0 ? `M${x} ${y}` : upFirst ? `V${y}H${x}` : `H${x}V${y}`));
  return points.length > 1 ? tag("path", { class: "front", d: path.join("") }) : "";
}

// {picture, places}: `points` are {x, y, series, dimmed, best}, `front` lists of places in them; `limits` are {x, y} of
// values or undefined; `axes` are {name, linear, upFirst}. Axes go by all points, so that nothing moves when a limit does.
export function scatter({ points, front, limits, axes: [across, upward], width }) {
  const seen = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const x = axisFor(seen.map((one) => one.x), Math.max(3, width / 90), across.linear), y = axisFor(seen.map((one) => one.y), 6, upward.linear);
  const at = frame({ width, height: Math.round(Math.min(430, 230 + width * 0.22)), x: [x.low, x.high], y: [y.low, y.high] });
  const round = (value) => Math.round(value * 10) / 10;
  const places = points.map((one) => ({ x: round(at.x(x.to(one.x))), y: round(at.y(y.to(one.y))) }));
  const base = y.ticks.map((tick) => gridLine(at, y.to(tick), shortNumber(tick))).join("")
    + bottomAxis(at, x.ticks.map((tick) => [x.to(tick), shortNumber(tick)]), across.name + (x.log ? " (logarithmic)" : ""));
  const bars = (Number.isFinite(limits.x) ? tag("path", { class: "theory", d: `M${round(Math.max(at.left, Math.min(at.x(x.to(limits.x)), at.right)))} ${at.top}V${at.bottom}` }) : "")
    + (Number.isFinite(limits.y) ? tag("path", { class: "theory", d: `M${at.left} ${round(at.y(y.to(limits.y)))}H${at.right}` }) : "");
  const drawn = points.map((one, i) => ({ ...one, ...places[i], known: seen.includes(one) })).filter(({ known }) => known)
    .sort((a, b) => Number(b.dimmed) - Number(a.dimmed));
  const marks = drawn.map((one) => inSeries(one.series, tag("g", { class: one.dimmed ? "model outside" : "model" }, seriesMark(one.series, one.x, one.y)))).join("");
  const best = drawn.filter((one) => one.best).map((one) => tag("circle", { class: "best", cx: one.x, cy: one.y, r: 9.5 })).join("");
  const taken = drawn.filter(({ dimmed }) => !dimmed).map((one) => ({ ...one, r: one.best ? 8.5 : 4 }))
    .map((one) => [one.x - one.r, one.y - one.r, one.x + one.r, one.y + one.r]);
  const numbers = front.map(([first], i) => placed(places[first], String(i + 1), taken, at, [across.upFirst ? 1 : -1, upward.linear ? 1 : -1])).join("");
  return { picture: svg(at, base + bars + staircase(front.map(([first]) => places[first]), across.upFirst) + marks + best + numbers), places, log: [x.log, y.log] };
}

export const SCATTER_STYLE = `
.cnnlab-card svg .outside { opacity: 0.4; }
.cnnlab-card svg .outside path.dot { fill: none; stroke: var(--series); stroke-width: 1.2; }
.cnnlab-card svg path.front { stroke: var(--ink); stroke-width: 1.5; opacity: 0.75; }
.cnnlab-card svg path.lead { stroke: var(--ink); stroke-width: 0.7; }
.cnnlab-card svg .best { fill: none; stroke: var(--second); stroke-width: 2.5; }
.cnnlab-card svg text.place { fill: var(--ink); font-weight: 650; paint-order: stroke; stroke: var(--ground); stroke-width: 3px; }
`;
