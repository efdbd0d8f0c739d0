// Curves over the steps: one thin line a seed, the mean thick with its mark. Columns in, SVG text and points out.
import { bottomAxis, frame, gridLine, line, svg } from "./plot.js";
import { axisOf, tickWords } from "./scale.js";
import { inSeries, seriesMark } from "./series.js";
import { digits4 } from "./statistics.js";

/** `curves` are those of `curvesOf`, each with its place among the colors in `series`; `unit` follows a number. */
export function curvesPanel({ curves, unit, width }) {
  const lists = curves.flatMap(({ seeds, mean }) => [mean, ...seeds]);
  const last = Math.max(1, ...lists.flatMap(({ steps }) => steps));
  const axis = axisOf(lists.flatMap(({ values }) => values)), across = axisOf([0, last], Math.max(2, width / 110), 0);
  const at = frame({ width, height: Math.round(Math.min(330, 170 + width * 0.2)), x: [0, last * 1.02], y: [axis.low, axis.high] });
  const base = axis.ticks.map((tick) => gridLine(at, tick, tickWords(tick))).join("")
    + bottomAxis(at, across.ticks.map((tick) => [tick, tickWords(tick)]), "step");
  const thin = curves.map(({ seeds, series }) => inSeries(series, seeds.map(({ steps, values }) => line(at, steps, values, "thin")).join("")));
  const thick = curves.map(({ mean: { steps, values }, series }) => inSeries(series,
    (steps.length ? line(at, steps, values, "whole") : "") + steps.map((step, i) => seriesMark(series, at.x(step), at.y(values[i]))).join("")));
  const points = ({ steps, values }, who) => steps.flatMap((step, i) => (Number.isFinite(values[i])
    ? [{ x: at.x(step), y: at.y(values[i]), words: `${who}, step ${step}: ${digits4(values[i])}${unit}` }] : []));
  const lines = curves.flatMap(({ name, mean, seeds }) => [points(mean, `${name}, mean of the runs that finished`),
    ...seeds.map((one) => points(one, `${name}, seed ${one.seed}`))]);
  return { picture: svg(at, base + thin.join("") + thick.join("")), lines };
}
