// The normal distribution, and what a function of one number does to it: means by quadrature, no random numbers.

const REACH = 9, PANEL = 0.1, FINE = 8000; // ±9 standard deviations; beyond lies 2e-19 of the mass
const GAUSS = [[0.8611363115940526, 0.3478548451374538], [0.3399810435848563, 0.6521451548625461]]; // Legendre, 4 points

export const normalDensity = (z) => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);

/** Φ(z), by the complementary error function, so that it is exact far below zero as well. */
export function normalShare(z) {
  const tail = complementaryError(Math.abs(z) / Math.SQRT2) / 2;
  return z < 0 ? tail : 1 - tail;
}

/** erfc(x) for x ≥ 0: a power series without cancellation up to 3, a continued fraction beyond. */
function complementaryError(x) {
  const factor = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x >= 3) {
    let fraction = x;
    for (let k = 60; k > 0; k--) fraction = x + k / 2 / fraction;
    return factor / fraction;
  }
  let sum = 0, term = 2 * x;
  for (let k = 1; term > 1e-17 * sum; k++) { sum += term; term *= (2 * x * x) / (2 * k + 1); }
  return 1 - factor * sum;
}

/** Points and weights for E[f(x)], x ~ N(mean, std²). No panel reaches over a kink, where a polynomial fits nothing. */
function normalPoints(mean, std, kinks) {
  const inside = kinks.map((kink) => (kink - mean) / std).filter((z) => Math.abs(z) < REACH);
  const edges = [-REACH, ...inside.sort((a, b) => a - b), REACH], points = [];
  for (let i = 1; i < edges.length; i++) {
    const count = Math.ceil((edges[i] - edges[i - 1]) / PANEL), half = (edges[i] - edges[i - 1]) / count / 2;
    for (let j = 0; j < count; j++) {
      for (const [node, weight] of GAUSS) {
        for (const side of [-node, node]) {
          const z = edges[i - 1] + half * (2 * j + 1 + side);
          points.push([mean + std * z, half * weight * normalDensity(z)]);
        }
      }
    }
  }
  return points;
}

/** Of y = f(x), x ~ N(mean, std²): mean, variance, mean square, share of exact zeros, and the mean square of f'(x). */
export function respond(unit, mean, std) {
  const points = normalPoints(mean, std, unit.kinks).map(([x, weight]) => [unit.value(x), weight, unit.slope(x)]);
  const average = (f) => points.reduce((sum, [y, weight, slope]) => sum + weight * f(y, slope), 0);
  const center = average((y) => y);
  return {
    mean: center, variance: average((y) => (y - center) ** 2), square: average((y) => y * y),
    zeros: average((y) => y === 0), slope: average((_, slope) => slope * slope),
  };
}

// Mean squares along `depth` layers whose weights have variance 1 / fan-in, so that they change nothing themselves:
// signal as a share of the input's, gradient as a share of the output's. Weights of mean zero center what follows.
export function chain(unit, mean, std, depth = 10) {
  const signal = [1], factors = [], start = mean ** 2 + std ** 2;
  for (let [center, spread, i] = [mean, std, 0]; i < depth; i++) {
    const { square, slope } = respond(unit, center, spread);
    signal.push(square / start);
    factors.unshift(slope);
    [center, spread] = [0, Math.sqrt(square)];
  }
  const gradient = [1];
  factors.forEach((factor) => gradient.unshift(gradient[0] * factor));
  return { signal, gradient };
}

/** The share of f(x), x ~ N(mean, std²), in each of `count` bins of equal width from `low` on; the rest falls out. */
export function shares(value, mean, std, { low, width, count }) {
  const bins = Array(count).fill(0), reach = 5, step = (2 * reach) / FINE, all = 1 - 2 * normalShare(-reach);
  for (let i = 0; i < FINE; i++) {
    const z = -reach + step * (i + 0.5);
    const bin = Math.floor((value(mean + std * z) - low) / width);
    if (bin >= 0 && bin < count) bins[bin] += (step * normalDensity(z)) / all;
  }
  return bins;
}
