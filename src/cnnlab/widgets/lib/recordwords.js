// What the record explorer says of levels and differences.
import { isAccuracy, measuresOf, nameOf, wordOf } from "./explore.js";
import { digits4, intervalNumbers, intervalWords } from "./statistics.js";

const divergedWords = ({ diverged, seeds }) => (diverged ? `; ${diverged} of ${seeds.length} runs diverged` : "");

/** "He · ReLU: mean 47.41 %, standard deviation 0.5245 over 5 seeds". */
export function levelWords(row, unit) {
  if (Number.isNaN(row.mean)) return `${row.name}: no number${divergedWords(row)}`;
  const more = row.seeds.length > 1 ? `, standard deviation ${digits4(row.deviation)} over ${row.seeds.length} seeds` : ", one seed";
  return `${row.name}: mean ${digits4(row.mean)}${unit}${more}${divergedWords(row)}${unit && row.diverged ? ", counted as chance" : ""}`;
}

/** What stands where there is nothing to compare. */
export const restWords = (row, kind) => (kind === "difference" ? "reference" : "0 by itself");

/** "LSUV minus He"; as interaction, "flip instead of none, at long minus at short". */
export function pairWords(table, row, reference, kind) {
  if (kind === "difference") return `${row.name} minus ${nameOf(table, reference)}`;
  const [[a, b], [c, d]] = [row.level, reference].map((level) => table.levels[level].map((place, i) => table.factors[i].labels[place]));
  return `${a} instead of ${c}, at ${b} minus at ${d}`;
}

/** "LSUV minus He: +0.31 ± 0.92 points over 5 seeds, cannot tell: zero lies inside". */
export function againstWords(pair, row, unit) {
  const found = row.against.interval, lost = row.against.seeds.filter(({ ended }) => ended).length;
  if (!found) return `${pair}: no interval, it needs two seeds that both have`;
  if (Number.isNaN(found.mean)) return `${pair}: no number, a run diverged`;
  const shows = found.sees ? `${wordOf(row.against)}: zero lies outside` : "cannot tell: zero lies inside";
  return `${pair}: ${intervalNumbers(found)}${unit} over ${found.n} seeds, ${shows}${lost ? `; at ${lost} of them a run diverged` : ""}`;
}

const listed = (parts) => (parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts.join(""));

/** How many levels differ from the reference, what could have been seen, and the best mean. */
export function findings({ table, measure, reference, rows, kind }) {
  const accuracy = isAccuracy(measure), unit = accuracy ? " points" : "";
  const others = rows.filter(({ against }) => against), kinds = others.map(({ against }) => wordOf(against));
  const count = (word) => kinds.filter((kind) => kind === word).length;
  const parts = ["higher", "lower"].filter(count).map((word) => `${count(word)} ${word}`);
  if (count("cannot tell")) parts.push(`${count("cannot tell")} where we cannot tell`);
  if (count("no number")) parts.push(`${count("no number")} without a number`);
  const unseen = others.filter(({ against }) => wordOf(against) === "cannot tell").map(({ against }) => against.interval);
  const widest = unseen.sort((a, b) => b.half - a.half)[0];
  const known = rows.filter((row) => Number.isFinite(row.mean)).sort((a, b) => (accuracy ? b.mean - a.mean : a.mean - b.mean))[0];
  const says = measuresOf(table)[measure], warned = ["smoke", "stale"].includes(table.standing);
  const names = table.factors.map(({ name }) => name.replaceAll("_", " ")), many = `${others.length}${kind === "difference" ? " other level" : " combination"}${others.length === 1 ? "" : "s"}`;
  const opening = kind === "difference" ? `Compared with ${nameOf(table, reference)} in ${says}, the ${many}`
    : `Does what ${names[0]} does to ${says} depend on ${names[1]}? Against ${nameOf(table, reference)}, of ${many}`;
  return (warned ? "Conclude nothing from these numbers. " : "")
    + `${opening}: ${listed(parts)}.`
    + (widest ? ` ${unseen[1] ? "The widest interval where we cannot tell" : "Its interval"}: ${intervalWords(widest).replace("cannot tell ", "").replace(/[()]/g, "")}${unit}; a larger effect would probably have been seen.` : "")
    + (known ? ` ${accuracy ? "Highest" : "Lowest"} mean: ${known.name}, ${digits4(known.mean)}${accuracy ? " %" : ""}.` : "");
}
