// What variance bookkeeping predicts for infinitely wide layers, before any network is drawn.
import { ACTIVATIONS, shapes } from "./network.js";

const POINTS = Array.from({ length: 320 }, (_, i) => -8 + 0.05 * (i + 0.5)); // none at 0, where ReLU has its corner
const DENSITY = POINTS.map((z) => (0.05 * Math.exp(-z * z / 2)) / Math.sqrt(2 * Math.PI));

const average = (f) => POINTS.reduce((sum, z, i) => sum + DENSITY[i] * f(z), 0);

/** E[f(z)²] and E[f'(z)²] for normal z of variance q. */
export function moments(activation, q) {
  if (activation === "maxout") return { square: q, slope: 1 }; // the squares of the larger and the smaller add up to 2 q
  const { value, slope } = ACTIVATIONS[activation];
  const std = Math.sqrt(q);
  return { square: average((z) => value(std * z) ** 2), slope: average((z) => slope(std * z) ** 2) };
}

/** fan-in times the variance of a weight: what one layer does to the mean square q before its activation. */
function spread({ initialization, gain }, { into, out }, q) {
  const factors = {
    zeros: 0, normal: into * 0.01 ** 2, xavier: (2 * into) / (into + out), he: 2, orthogonal: into / Math.max(into, out),
  };
  return initialization === "lsuv" ? 1 / q : factors[initialization] * gain ** 2;
}

/** Mean squares of signal (input = 1) and gradient (at the output = 1) by layer, as `measure` gives them. */
export function predict(settings, inputs, classes) {
  const layers = shapes(settings, inputs, classes);
  const activation = [1], gradient = [1], factors = [];
  layers.forEach((layer, i) => {
    const q = activation.at(-1), share = spread(settings, layer, q), last = i + 1 === layers.length;
    const { square, slope } = last ? { square: share * q, slope: 1 } : moments(settings.activation, share * q);
    activation.push(square);
    factors.unshift((share * slope * (last ? classes : settings.width)) / layer.into);
  });
  factors.forEach((factor) => gradient.unshift(gradient[0] * factor));
  return { activation, gradient };
}
