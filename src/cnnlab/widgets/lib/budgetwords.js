// What the budget explorer says of models, limits and the front.
import { COSTS, MEASURES, against, bestOf, broken, valueOf } from "./budgets.js";
import { deviation, digits4, intervalNumbers, spreadNumbers } from "./statistics.js";

const joined = (parts) => (parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts.join(""));

/** A number of a measure: 54,344 in full, 0.7312, 61.82. */
export const numberWords = (value) => (Number.isInteger(value) ? value.toLocaleString("en-US") : digits4(value));

/** "59.26 ± 0.42 %", or that it was not measured. */
export function accuracyWords({ accuracy }) {
  if (!accuracy.length) return "accuracy not measured";
  return accuracy.length > 1 ? `${spreadNumbers(valueOf({ accuracy }, "accuracy"), deviation(accuracy))} % over ${accuracy.length} seeds` : `${digits4(accuracy[0])} %`;
}

/** "105,000 parameters, 2,100,000 multiply-adds and 7.1 milliseconds". */
export const costWords = (row) => joined(Object.keys(COSTS).filter((cost) => Number.isFinite(valueOf(row, cost)))
  .map((cost) => `${numberWords(valueOf(row, cost))} ${COSTS[cost]}`));

/** Everything about one model, for the reading under the chart. */
export function modelWords(row, limits, place) {
  const over = broken(row, limits).map((cost) => COSTS[cost]);
  const state = over.length ? `outside the limit on ${joined(over)}` : place ? `number ${place} on the front` : "admissible, off the front";
  return `${row.name} (${row.source}): ${accuracyWords(row)}; ${costWords(row)}; ${state}`;
}

const same = (a, b) => Object.keys(MEASURES).every((measure) => JSON.stringify(a[measure]) === JSON.stringify(b[measure]));
const many = (rows, most = 4) => joined(rows.length > most ? [...rows.slice(0, most - 1).map(({ name }) => name), `${rows.length - most + 1} more`] : rows.map(({ name }) => name));

/** How many are admissible, and what shuts the others out. */
export function countWords(rows, limits) {
  const outside = rows.filter((row) => broken(row, limits).length), inside = rows.length - outside.length;
  const opening = `${inside} of ${rows.length} models ${inside === 1 ? "is" : "are"} admissible`;
  const by = Object.keys(limits).map((cost) => [cost, outside.filter((row) => broken(row, limits).includes(cost)).length]).filter(([, n]) => n);
  const said = by.map(([cost, n]) => `${n} ${n === 1 ? "does" : "do"} not meet the limit on ${COSTS[cost]}`);
  return opening + (said.length ? `; ${said.length > 1 ? `of the ${outside.length} outside, ` : ""}${joined(said)}.` : ".");
}

/** Which limit to give up where nothing fits. */
function stuckWords(rows, limits) {
  const freed = Object.keys(limits).map((cost) => {
    const { [cost]: _, ...rest } = limits;
    return [cost, rows.filter((row) => !broken(row, rest).length).length];
  }).filter(([, n]) => n);
  const [cost, n] = freed.sort((a, b) => b[1] - a[1])[0] ?? [];
  return cost ? `Without the limit on ${COSTS[cost]}, ${n} would be.` : "No single limit is the reason; give up two.";
}

/** Which others the seeds cannot tell from the best, or by how much the next one is behind. */
function restWords(best, others, quantiles) {
  const compared = others.map((row) => ({ row, found: against(best, row, quantiles) })).filter(({ found }) => found);
  const unseen = compared.filter(({ found }) => !found.sees).map(({ row }) => row);
  if (unseen.length) return ` These seeds cannot tell it from ${many(unseen)}.`;
  const next = compared.sort((a, b) => a.found.mean - b.found.mean)[0];
  return next ? ` The next, ${next.row.name}, is behind: the difference is ${intervalNumbers(next.found)} points.` : "";
}

/** The live verdict: the count, and the best admissible model with what the seeds say of it. */
export function verdictWords(rows, limits, quantiles) {
  if (!rows.length) return "No source is in sight: choose one below.";
  const allowed = rows.filter((row) => !broken(row, limits).length), count = countWords(rows, limits);
  if (!allowed.length) return `${count} ${stuckWords(rows, limits)}`;
  const places = bestOf(allowed);
  if (!places.length) return `${count} Of none of them is the accuracy known, so none can be called the best.`;
  const best = allowed[places[0]], ties = places.slice(1).map((i) => allowed[i]);
  const twins = ties.filter((row) => same(row, best)), rivals = ties.filter((row) => !same(row, best));
  const also = twins.length ? ` (the same net: ${many(twins)})` : "";
  const tied = rivals.length ? ` As accurate: ${many(rivals)}.` : "";
  const others = allowed.filter((row) => row !== best && !ties.includes(row));
  return `${count} Best admissible: ${best.name}${also}, ${accuracyWords(best)}, with ${costWords(best)}.${tied}${restWords(best, others, quantiles)}`;
}

/** The front in words: what it is, and the names at each of its points. */
export function frontParts(rows, front, axes) {
  const [x, y] = axes.map((measure) => MEASURES[measure]);
  const what = axes.includes("accuracy") ? "no other is cheaper and as accurate, or as cheap and more accurate" : "no other has less of one and no more of the other";
  const opening = front.length ? `Pareto front of the admissible in ${x} and ${y} (${what}), from left to right: `
    : `Pareto front in ${x} and ${y}: no admissible model has both numbers.`;
  return { opening, items: front.map((places) => places.map((at) => rows[at].name).join(" = ")) };
}

/** The same as one text: "...: 1 width 0.25; 2 side 0.5." */
export function frontWords(rows, front, axes) {
  const { opening, items } = frontParts(rows, front, axes);
  return opening + items.map((names, i) => `${i + 1} ${names}`).join("; ") + (items.length ? "." : "");
}
