// What an activation does, in words and numbers that a reader sees.
import { amount } from "./words.js";

/** Two digits after the point, with a true minus and no "−0.00". */
export const decimal = (value, digits = 2) => {
  const words = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(words) !== 0 ? "−" : "") + words;
};

/** One digit after the point where there is one: "0.5", "1". */
export const setting = (value) => decimal(value, 1).replace(".0", "");

/** A mean square: two digits, or a power of ten where it is small or large. */
export const quantity = (value) => (value >= 0.005 && value < 100 ? value.toFixed(3) : amount(value));

export const percent = (share) => {
  const hundred = share * 100;
  if (share < 1e-9 || share > 1 - 1e-9) return `${Math.round(hundred)} %`; // all or nothing, but for rounding
  if (hundred < 0.1) return "< 0.1 %";
  if (hundred > 99.9) return "> 99.9 %";
  return `${hundred < 10 ? Number(hundred.toFixed(1)) : Math.round(hundred)} %`;
};

const FRACTIONS = [[1 / 2, "half"], [1 / 3, "a third"], [1 / 4, "a quarter"]];

/** "half", "a third", "12 %". */
const portion = (share) => FRACTIONS.find(([size]) => Math.abs(share - size) < 0.005)?.[1] ?? percent(share);

function zeroWords(zeros) {
  if (zeros > 1 - 1e-9) return "every output is exactly 0";
  return zeros < 1e-9 ? "no output is exactly 0" : `${portion(zeros)} of the outputs are exactly 0`;
}

function keptWords(ratio) {
  if (ratio < 1e-12) return "nothing is left of the signal";
  if (Math.abs(ratio - 1) < 0.005) return "the signal keeps its mean square";
  return ratio < 1 ? `the signal keeps ${portion(ratio)} of its mean square` : `the signal's mean square grows ${ratio.toFixed(2)} times`;
}

function backWords(slope) {
  if (slope < 1e-12) return "no gradient comes back";
  if (Math.abs(slope - 1) < 0.005) return "the gradient comes back as strong as it went in";
  return slope < 1 ? `${portion(slope)} of the gradient's mean square comes back` : `the gradient's mean square grows ${slope.toFixed(2)} times on its way back`;
}

/** The sentence under the controls, from the numbers of `respond`. */
export const sentence = (name, mean, std, found) => `${name} at mean ${setting(mean)}, std ${setting(std)} gives out mean ${decimal(found.mean)}; `
  + `${zeroWords(found.zeros)}; ${keptWords(found.square / (mean ** 2 + std ** 2))}; ${backWords(found.slope)}.`;

function shareOf(share, whose) {
  if (share === 0) return `nothing of ${whose}`;
  if (Math.abs(share - 1) < 0.005) return `all of ${whose}`;
  return share > 1 ? `${amount(share)} times ${whose}` : `${share < 0.01 ? amount(share) : percent(share)} of ${whose}`;
}

/** What ten layers do, as one line. */
export const chainWords = ({ signal, gradient }) => `Ten layers in a row leave ${shareOf(signal.at(-1), "the signal's mean square")} `
  + `and ${shareOf(gradient[0], "the gradient's")}.`;

/** Rows of the table: [name, of the input, of an output], each a text. */
export function rows(mean, std, found) {
  const square = mean ** 2 + std ** 2;
  return [
    ["mean", decimal(mean, 3), decimal(found.mean, 3)], ["variance", quantity(std ** 2), quantity(found.variance)],
    ["mean square", quantity(square), quantity(found.square)], ["exactly zero", percent(0), percent(found.zeros)],
    ["f′ squared, mean", "", quantity(found.slope)],
  ];
}
