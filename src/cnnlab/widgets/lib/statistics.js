// Mean, spread and 95 % intervals over seeds, as cnnlab.record computes them, and in its words.

/** The sum as if reckoned without rounding and rounded once, as Python's fsum (Shewchuk 1997). */
function exactSum(values) {
  const partials = [];
  for (let x of values) {
    let kept = 0;
    for (let i = 0; i < partials.length; i++) {
      const [large, small] = Math.abs(x) < Math.abs(partials[i]) ? [partials[i], x] : [x, partials[i]];
      x = large + small;
      const lost = small - (x - large);
      if (lost) partials[kept++] = lost;
    }
    partials.splice(kept, Infinity, x);
  }
  let sum = partials.pop() ?? 0;
  while (partials.length) {
    const next = partials.pop(), rounded = sum + next, lost = next - (rounded - sum);
    sum = rounded;
    if (!lost) continue;
    const further = partials.length && Math.sign(lost) === Math.sign(partials.at(-1)); // beyond half a unit: not to the even
    return further && sum + 2 * lost - sum === 2 * lost ? sum + 2 * lost : sum;
  }
  return sum;
}

/** The mean: that of Python's fmean to the last bit, since a four-digit number may hang on it. NaN where one is no number. */
export const mean = (values) => (values.length ? exactSum(values) / values.length : NaN);

/** Standard deviation over n - 1; NaN for fewer than two values. */
export function deviation(values) {
  const center = mean(values);
  return values.length < 2 ? NaN
    : Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1));
}

/** {mean, half, n, sees}: the half-width is t s / √n with t from `quantiles` for 2, 3, ... values. */
export function interval(values, quantiles) {
  const n = values.length, center = mean(values);
  const t = quantiles[Math.min(n - 2, quantiles.length - 1)] ?? NaN;
  const half = (t * deviation(values)) / Math.sqrt(n);
  return { mean: center, half, n, sees: Math.abs(center) > half };
}

/** How many decimals show one digit of this half-width that counts, and at least one decimal. */
const decimals = (half) => (half > 0 && half < Infinity ? Math.max(1, -Math.floor(Math.log10(half))) : 1);

/** As toFixed, but what lies exactly between two goes to the even digit, as Python writes it. */
function fixed(value, digits) {
  const [whole, rest] = Math.abs(value).toFixed(60).split(".");
  const kept = digits ? rest?.slice(0, digits) : "", between = /^50*$/.test(rest?.slice(digits) ?? "");
  const even = between && Number((whole + kept).at(-1)) % 2 === 0;
  const text = even ? `${value < 0 ? "-" : ""}${whole}${digits ? "." : ""}${kept}` : value.toFixed(digits);
  return text.replace("-", "−");
}

const signed = (value, digits) => (value < 0 || Object.is(value, -0) ? "" : "+") + fixed(value, digits);

/** "+0.3 ± 0.9", whether or not zero lies inside. */
export const intervalNumbers = ({ mean: center, half }) => `${signed(center, decimals(half))} ± ${fixed(half, decimals(half))}`;

/** A mean and its standard deviation, written likewise. */
export const spreadNumbers = (center, sd) => (sd === 0 ? `${digits4(center)} ± 0` : `${fixed(center, decimals(sd))} ± ${fixed(sd, decimals(sd))}`);

/** As `intervalNumbers` where zero lies outside; else that one cannot tell. */
export const intervalWords = (found) => (found.sees ? intervalNumbers(found) : `cannot tell (± ${fixed(found.half, decimals(found.half))})`);

/** Four digits, as records keep them. */
export const digits4 = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(4))).replace("-", "−") : "no number");
