// Weights to start from, by the names and rules of cnnlab.techniques.initialization; the random numbers are our own.
import { normals } from "./random.js";
import { orthogonal } from "./matrix.js";

const STANDARD_DEVIATIONS = {
  zeros: () => 0,
  normal: () => 0.01,
  xavier: (into, out) => Math.sqrt(2 / (into + out)),
  he: (into) => Math.sqrt(2 / into),
};
export const WEIGHT_RULES = [...Object.keys(STANDARD_DEVIATIONS), "orthogonal", "lsuv"];
const TOLERANCE = 0.02;

/**
 * Sets every weight by the named rule, biases to zero, normalizations to weight 1 and bias 0. LSUV measures `images`
 * standardized images, which `net.input` must hold.
 */
export function startWeights(net, rule, uniform, images = 0) {
  if (!WEIGHT_RULES.includes(rule)) throw new RangeError(`initialization ${rule} is unknown`);
  for (const layer of net.layers) {
    layer.bias?.values.fill(0);
    if (layer.kind === "norm") layer.weight.values.fill(1);
    else if (layer.weight) layer.weight.values.set(drawn(layer.weight.shape, rule, uniform));
  }
  if (rule === "lsuv") unitVariance(net, images);
}

/** Fan-in and fan-out count the places of the kernel: a weight is (out, in, ...kernel). */
function drawn([out, channels, ...kernel], rule, uniform) {
  const places = kernel.reduce((product, size) => product * size, 1), into = channels * places;
  if (rule === "orthogonal" || rule === "lsuv") return orthogonal(out, into, uniform);
  return normals(out * into, STANDARD_DEVIATIONS[rule](into, out * places), uniform);
}

/** Layer by layer: divide the weights by the deviation of what the layer gives out, all images, channels and places. */
function unitVariance(net, images) {
  for (const layer of net.layers) {
    layer.forward(images, false);
    if (layer.kind !== "convolution" && layer.kind !== "linear") continue;
    const found = spreadOf(layer.output.values.subarray(0, layer.output.places * images));
    if (!(found > 0 && found < Infinity)) throw new RangeError(`LSUV divides by a deviation; a layer's variance is ${found}`);
    if (Math.abs(found - 1) < TOLERANCE) continue;
    const { values } = layer.weight, deviation = Math.sqrt(found);
    for (let i = 0; i < values.length; i++) values[i] /= deviation;
    layer.forward(images, false);
  }
}

/** The variance of all values. */
function spreadOf(values) {
  let sum = 0, squares = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return squares / values.length;
}
