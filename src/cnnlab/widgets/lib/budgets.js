// Which models a budget allows, which no other dominates, and which is best: rows in, places of rows out.
import { interval, mean } from "./statistics.js";

export const COSTS = { parameters: "parameters", multiply_adds: "multiply-adds", milliseconds: "milliseconds" };
export const MEASURES = { ...COSTS, accuracy: "accuracy" };

/** A measure of a model; NaN where it is not known. */
export const valueOf = (row, measure) => (measure === "accuracy" ? mean(row.accuracy) : row[measure] ?? NaN);

/** The measures that at least one model has, with their names. */
export const measuresIn = (rows, names = MEASURES) =>
  Object.fromEntries(Object.entries(names).filter(([measure]) => rows.some((row) => Number.isFinite(valueOf(row, measure)))));

/** The costs whose limit a model does not meet; one that is not known meets none. */
export const broken = (row, limits) => Object.keys(limits).filter((cost) => !(valueOf(row, cost) <= limits[cost]));

/** The places of the points that no other dominates, in order; equal points stay together. Every coordinate is a cost. */
export function paretoFront(points) {
  const dominates = (a, b) => a.every((value, i) => value <= b[i]) && a.some((value, i) => value < b[i]);
  return points.flatMap((point, i) => (points.some((other) => dominates(other, point)) ? [] : [i]));
}

/** The front of some rows in two measures, from left to right, as groups of places that lie on one point. */
export function frontOf(rows, [across, upward]) {
  const known = rows.map((_, i) => i).filter((i) => [across, upward].every((measure) => Number.isFinite(valueOf(rows[i], measure))));
  const cost = (row) => [across, upward].map((measure) => (measure === "accuracy" ? -1 : 1) * valueOf(row, measure));
  const places = paretoFront(known.map((i) => cost(rows[i]))).map((at) => known[at]);
  const at = (i) => [across, upward].map((measure) => valueOf(rows[i], measure));
  const groups = new Map();
  places.forEach((i) => groups.set(at(i).join(), [...(groups.get(at(i).join()) ?? []), i]));
  return [...groups.values()].sort(([a], [b]) => at(a)[0] - at(b)[0]);
}

/** The places of the rows with the highest mean accuracy; none where no accuracy is known. */
export function bestOf(rows) {
  const means = rows.map((row) => valueOf(row, "accuracy")), most = Math.max(...means.filter(Number.isFinite));
  return rows.map((_, i) => i).filter((i) => means[i] === most);
}

/** The difference of a to b seed by seed with its 95 % interval; null where they have not the same seeds, or one. */
export function against(a, b, quantiles) {
  const [x, y] = [a.accuracy, b.accuracy];
  return x.length === y.length && x.length > 1 ? interval(x.map((value, seed) => value - y[seed]), quantiles) : null;
}

/** A slider's scale whose stops are the models' own values: each step lets one more in, the last all of them. */
export function stopsOf(rows, cost) {
  const stops = [...new Set(rows.map((row) => valueOf(row, cost)).filter(Number.isFinite))].sort((a, b) => a - b);
  const last = stops.length - 1;
  return {
    min: stops[0], max: Infinity, step: 1, count: stops.length,
    scale: {
      position: (value) => Math.max(0, stops.filter((stop) => stop <= value).length - 1),
      value: (position) => (position >= last ? Infinity : stops[position]),
    },
  };
}
