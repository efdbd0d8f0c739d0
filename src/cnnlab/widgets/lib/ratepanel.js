// Rates over the steps, and a range test: columns in, SVG text and points to read out.
import { bottomAxis, frame, gridLine, line, svg, tag } from "./plot.js";
import { axisOf, tickWords } from "./scale.js";
import { inSeries, seriesMark } from "./series.js";
import { digits4 } from "./statistics.js";
import { amount } from "./words.js";

/** Four digits, or two and a power of ten where there are many zeros. */
export const rateWords = (value) => (value > 0 && value < 1e-3 ? amount(value) : digits4(value));

const SAMPLES = 700, STOPS = 80;
const TOPS = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** A round number that leaves room above this one, so that a peak can be dragged up. */
export function roundTop(value) {
  const size = 10 ** Math.floor(Math.log10(value * 1.3));
  return Number((size * TOPS.find((top) => top * size >= value * 1.3)).toPrecision(3));
}

/** Every step, or about 700 of them, the last one always. */
function sampled(count, most) {
  const every = Math.max(1, Math.ceil(count / most));
  const steps = Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
  return steps.at(-1) === count - 1 ? steps : [...steps, count - 1];
}

/** {picture, lines, at}: `curves` are {title, rates, half}, the first is the one that is designed; `top` that of the axis. */
export function ratesPanel({ curves, top, width }) {
  const total = Math.max(...curves.map(({ rates }) => rates.length));
  const at = frame({ width, height: Math.round(Math.min(340, 190 + width * 0.18)), x: [0, total], y: [0, top] });
  const rows = axisOf([0, top], 4, 0).ticks.map((tick) => gridLine(at, tick, tickWords(tick))).join("");
  const across = axisOf([0, total], Math.max(2, width / 130), 0).ticks.map((tick) => [tick, tickWords(tick)]);
  const paths = curves.map(({ rates }, i) => {
    const steps = sampled(rates.length, SAMPLES);
    const marks = i ? sampled(rates.length, 5).map((k) => seriesMark(i, at.x(k), at.y(rates[k]))).join("") : "";
    return inSeries(i, line(at, steps, steps.map((k) => rates[k]), i ? "pinned" : "whole") + marks);
  });
  const { rates, half } = curves[0], part = sampled(half, SAMPLES);
  const edge = part.map((k) => `L${at.x(k).toFixed(1)} ${at.y(rates[k]).toFixed(1)}`).join("");
  const area = half ? tag("path", { class: "spent", d: `M${at.x(0)} ${at.bottom}${edge}V${at.bottom}z` }) : "";
  const lines = curves.map((one) => sampled(one.rates.length, STOPS).map((k) => ({
    x: at.x(k), y: at.y(one.rates[k]), words: `${one.title}: step ${k} of ${one.rates.length}, learning rate ${rateWords(one.rates[k])}`,
  })));
  return { picture: svg(at, area + rows + bottomAxis(at, across, "step") + paths.reverse().join("")), lines, at };
}

/** {picture, lines}: the accuracy reached at each rate, its running mean, and the two limits where there are some. */
export function rangePanel({ rates, accuracies, found, width }) {
  const across = axisOf(rates, Math.max(2, width / 130)), up = axisOf(accuracies, 4, 0.12);
  const at = frame({ width, height: Math.round(Math.min(280, 170 + width * 0.12)), x: [across.low, across.high], y: [up.low, up.high] });
  const rows = up.ticks.map((tick) => gridLine(at, tick, tickWords(tick))).join("");
  const dots = accuracies.map((value, i) => tag("circle", { class: "seed", cx: at.x(rates[i]).toFixed(1), cy: at.y(value).toFixed(1), r: 3 })).join("");
  const limits = found.why ? "" : [["base", "start"], ["max", "end"]].map(([name, anchor]) => {
    const x = at.x(found[name]), side = anchor === "start" ? 6 : -6;
    return tag("path", { class: "theory", d: `M${x} ${at.top}V${at.bottom}` })
      + tag("text", { class: "limit", x: x + side, y: name === "base" ? at.top + 10 : at.bottom - 8, "text-anchor": anchor }, `${name} ${digits4(found[name])}`);
  }).join("");
  const smooth = found.smooth ? line(at, rates, found.smooth, "whole") : "";
  const points = rates.map((rate, i) => ({ x: at.x(rate), y: at.y(accuracies[i]), words: `Learning rate ${digits4(rate)}: accuracy ${digits4(accuracies[i])}${
    found.smooth ? `, running mean ${digits4(found.smooth[i])}` : ""}` }));
  return { picture: svg(at, rows + bottomAxis(at, across.ticks.map((tick) => [tick, tickWords(tick)]), "learning rate") + smooth + dots + limits), lines: [points] };
}

export const RATES_STYLE = `
.cnnlab-card svg path.spent { fill: var(--band); stroke: none; }
.cnnlab-card svg path.pinned { stroke-width: 2; stroke-dasharray: 7 3; }
.cnnlab-card svg .seed { fill: var(--series); opacity: 0.6; }
.cnnlab-card svg text.limit { fill: var(--ink); font-weight: 600; paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
`;
