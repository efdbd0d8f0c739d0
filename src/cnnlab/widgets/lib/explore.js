// A record's table read by level: values over seeds, differences seed by seed, curves. Knows nothing of pictures.
import { deviation, interval, mean } from "./statistics.js";

/** "he · ReLU": the labels of one level. */
export const nameOf = (table, level) => table.levels[level].map((place, i) => table.factors[i].labels[place]).join(" · ");

/** {initialization: "he", ...}, as Python names a level, and back. */
export const levelOf = (table, level) =>
  Object.fromEntries(table.levels[level].map((place, i) => [table.factors[i].name, table.factors[i].levels[place]]));
export const placeOf = (table, named) => table.levels.findIndex((_, i) => Object.entries(levelOf(table, i)).every(([factor, name]) => named[factor] === name));

export const isAccuracy = (name) => name.endsWith("accuracy");
export const plain = (name) => name.replaceAll("_", " ");

/** Every measure, then every curve for its last value, with words for them: {name: words}. */
export const measuresOf = ({ measures, curves }) => Object.fromEntries([
  ...measures.map((name) => [name, plain(name)]),
  ...curves.filter((name) => !measures.includes(name)).map((name) => [name, `final ${plain(name)}`]),
]);

const number = (value) => value ?? NaN;

/** [{seed, value, ended}, ...] of one level, by seed; `ended` is "" or "diverged at step n". */
export function valuesOf(table, measure, level) {
  const column = table.measures.indexOf(measure), curve = table.curves.indexOf(measure);
  const read = (run) => (column >= 0 ? run.measures[column] : run.curves[curve].at(-1));
  return table.runs.filter((run) => run.level === level)
    .map((run) => ({ seed: run.seed, value: number(read(run)), ended: run.ended }));
}

/** The sum of the measure at each level times its sign, over the seeds that all of them have; no interval for one seed. */
export function contrastOf(table, measure, terms) {
  const columns = terms.map(([sign, level]) => [sign, new Map(valuesOf(table, measure, level).map((one) => [one.seed, one]))]);
  const shared = [...columns[0][1].keys()].filter((seed) => columns.every(([, column]) => column.has(seed)));
  const seeds = shared.map((seed) => ({
    seed, value: columns.reduce((sum, [sign, column]) => sum + sign * column.get(seed).value, 0),
    ended: columns.map(([, column]) => column.get(seed).ended).find(Boolean) ?? "",
  }));
  return { seeds, interval: seeds.length < 2 ? null : interval(seeds.map(({ value }) => value), table.t975) };
}

/** A level minus the reference; or, as interaction, minus what each of the two factors does alone. [] where that is 0 by itself. */
export function termsOf(table, level, reference, kind) {
  if (level === reference) return [];
  if (kind === "difference") return [[1, level], [-1, reference]];
  const [a, b] = table.levels[level], [c, d] = table.levels[reference];
  const at = (...places) => table.levels.findIndex((one) => one[0] === places[0] && one[1] === places[1]);
  const terms = [[1, level], [-1, at(a, d)], [-1, at(c, b)], [1, reference]];
  return a === c || b === d || terms.some(([, one]) => one < 0) ? [] : terms;
}

/** A row for each level: its seeds, mean, deviation, runs that diverged, and what it is against the reference (or null). */
export function rowsOf(table, measure, reference, kind = "difference") {
  return table.levels.map((_, level) => {
    const seeds = valuesOf(table, measure, level), values = seeds.map(({ value }) => value);
    const diverged = seeds.filter(({ ended }) => ended).length, terms = termsOf(table, level, reference, kind);
    const against = terms.length ? contrastOf(table, measure, terms) : null;
    return { level, name: nameOf(table, level), seeds, mean: mean(values), deviation: deviation(values), diverged, against, terms };
  });
}

/** One curve at one level: a line a seed, and the mean over the runs that finished at the steps all of them have. */
export function curvesOf(table, curve, level) {
  const column = table.curves.indexOf(curve);
  const runs = table.runs.filter((run) => run.level === level);
  const seeds = runs.map((run) => ({
    seed: run.seed, ended: run.ended, steps: table.steps[run.steps], values: run.curves[column].map(number),
  }));
  const whole = seeds.filter(({ ended }) => !ended);
  const steps = (whole[0]?.steps ?? []).filter((step) => whole.every((one) => one.steps.includes(step)));
  const values = steps.map((step) => mean(whole.map((one) => one.values[one.steps.indexOf(step)])));
  return { level, name: nameOf(table, level), seeds, diverged: seeds.length - whole.length, mean: { steps, values } };
}

/** "lower", "higher" or "cannot tell": what a difference shows. */
export const wordOf = ({ interval: found }) =>
  (!found || Number.isNaN(found.mean) ? "no number" : found.sees ? (found.mean > 0 ? "higher" : "lower") : "cannot tell");
