// What the record explorer shows as tables: columns of numbers, the same for the page and for a file.
import { levelOf, wordOf } from "./explore.js";
import { restWords } from "./recordwords.js";

/** A line a level: its factors, spread and difference, what that shows, and the value of each seed. */
export function levelsTable(table, rows, kind = "difference") {
  const seeds = [...new Set(table.runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  const head = [...table.factors.map(({ name }) => name), "n", "diverged", "mean", "sd", kind, "half_width", "shows",
    ...seeds.map((seed) => `seed_${seed}`)];
  const lines = rows.map((row) => {
    const found = row.against?.interval, by = new Map(row.seeds.map(({ seed, value }) => [seed, value]));
    return [...Object.values(levelOf(table, row.level)), row.seeds.length, row.diverged, row.mean, row.deviation,
      ...(row.against ? [found?.mean ?? NaN, found?.half ?? NaN] : ["", ""]), row.against ? wordOf(row.against) : restWords(row, kind), ...seeds.map((seed) => by.get(seed) ?? NaN)];
  });
  return { head, lines };
}

/** A line a step of a run: every curve of the record. */
export function curvesTable(table) {
  const head = [...table.factors.map(({ name }) => name), "seed", "ended", "step", ...table.curves];
  const lines = table.runs.flatMap((run) => table.steps[run.steps].map((step, i) => [
    ...Object.values(levelOf(table, run.level)), run.seed, run.ended || "finished", step, ...run.curves.map((curve) => curve[i] ?? NaN),
  ]));
  return { head, lines };
}
