// Learning rates of a run, from the factors of `schedulefactors.js`, and what a range test says.
import { SCHEDULE_FACTORS } from "./schedulefactors.js";

export const FORMULAS = {
  constant: "s(t) = 1",
  linear: "s(t) = 1 − t",
  square: "s(t) = (1 − t)²",
  sqrt: "s(t) = √(1 − t)",
  cosine: "s(t) = (1 + cos πt) / 2",
  linear_cosine: "s(t) = (alpha + 1 − t) (1 + cos(2π · periods · t)) / 2 + beta",
  step: "s(t) = 0.1ⁿ, n the number of drops so far",
  step_every: "s(t) = gammaⁿ, n = ⌊t / size⌋",
  one_cycle: "half a cosine from 1/25 up to 1 at t = 0.3, then half a cosine down to 1/250000",
  triangular: "s(t) = base + (1 − base)(1 − |2u − 1|), u the part of the cycle that is done",
  triangular2: "as triangular, each cycle half as high as the one before it",
  exp_range: "as triangular, the height times endᵗ",
  rising: "s(t) = t, the rates of a range test",
};

/** t ↦ s(t) of these settings; over the share `warm_up` of the run it first rises from 0 to 1. */
export function factorOf({ schedule, parameters, warm_up: share }) {
  const factor = (t) => SCHEDULE_FACTORS[schedule](t, parameters);
  return share > 0 ? (t) => (t < share ? t / share : factor((t - share) / (1 - share))) : factor;
}

/** The rate of each step k from 0: lr · s(k / steps). */
export function ratesOf(settings) {
  const factor = factorOf(settings);
  return Array.from({ length: settings.steps }, (_, k) => settings.lr * factor(k / settings.steps));
}

/** The sum of the rates, and after how many steps at least half of it is spent. */
export function spent(rates) {
  const sum = rates.reduce((all, rate) => all + rate, 0);
  let half = 0;
  for (let so = 0; half < rates.length && so < sum / 2 && sum > 0; half++) so += rates[half];
  return { sum, half };
}

/** To the nearest whole number, halves to the even one, as Python rounds. */
function rounded(value) {
  const low = Math.floor(value), part = value - low;
  return part > 0.5 || (part === 0.5 && low % 2) ? low + 1 : low;
}

/** The mean over each value and those up to `reach` before and after it. */
function smoothed(values, reach) {
  return values.map((_, i) => {
    const part = values.slice(Math.max(0, i - reach), i + reach + 1);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** {base, max, smooth} of a range test as `techniques.cycles.range_of` reads it, or {why} there are no limits. */
export function rangeOf({ rates, accuracies }, window = 0.05) {
  if (rates.length < 10) return { why: `a range test needs 10 rates or more; here are ${rates.length}` };
  if (rates.some((rate, i) => i && rate <= rates[i - 1])) return { why: "the rates of a range test rise; these do not" };
  const smooth = smoothed(accuracies, Math.max(1, rounded(window * rates.length)));
  const top = smooth.indexOf(Math.max(...smooth)), low = Math.min(...smooth.slice(0, top + 1));
  if (smooth[top] <= low + 1e-9) return { why: "the accuracy rises nowhere; start lower or go higher", smooth };
  const start = smooth.findIndex((value, i) => i >= smooth.indexOf(low) && value >= low + (smooth[top] - low) / 10);
  return { base: rates[start], max: rates[top], smooth };
}
