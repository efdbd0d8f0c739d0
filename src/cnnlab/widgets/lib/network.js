// A chain of fully connected layers: start, forward, backward, one step of SGD. Names as in cnnlab.techniques.
import { normals } from "./random.js";
import { columnSums, orthogonal, timesTransposed, times, transposedTimes, variance } from "./matrix.js";

const leaky = (a) => ({ value: (z) => (z > 0 ? z : a * z), slope: (z) => (z > 0 ? 1 : a) });

export const ACTIVATIONS = {
  identity: { value: (z) => z, slope: () => 1 },
  relu: leaky(0),
  leaky_relu: leaky(0.01),
  very_leaky_relu: leaky(1 / 3),
  tanh: { value: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 },
  elu: { value: (z) => (z > 0 ? z : Math.expm1(z)), slope: (z) => (z > 0 ? 1 : Math.exp(z)) },
  maxout: null, // the larger of two neighbors: twice the filters, see `activate`
};

export const INITIALIZATIONS = {
  zeros: (out, into) => new Float32Array(out * into),
  normal: (out, into, gain, uniform) => normals(out * into, gain * 0.01, uniform),
  xavier: (out, into, gain, uniform) => normals(out * into, gain * Math.sqrt(2 / (into + out)), uniform),
  he: (out, into, gain, uniform) => normals(out * into, gain * Math.sqrt(2 / into), uniform),
  orthogonal: (out, into, gain, uniform) => orthogonal(out, into, uniform).map((w) => gain * w),
  lsuv: (out, into, gain, uniform) => orthogonal(out, into, uniform).map((w) => gain * w), // then `lsuv` divides
};

/** Inputs and outputs of each weight: `depth` hidden layers, then the output layer. Maxout needs twice the filters. */
export function shapes({ depth, width, activation }, inputs, classes) {
  const filters = activation === "maxout" ? 2 * width : width;
  const hidden = Array.from({ length: depth }, (_, i) => ({ into: i ? width : inputs, out: filters }));
  return [...hidden, { into: width, out: classes }];
}

/** A network by the rule named in `settings`, all biases zero; LSUV also looks at the images `x`. */
export function initialize(settings, uniform, x, rows, classes) {
  const rule = INITIALIZATIONS[settings.initialization];
  const layers = shapes(settings, x.length / rows, classes).map(({ into, out }) => ({
    into, out, weight: rule(out, into, settings.gain, uniform), bias: new Float32Array(out),
  }));
  const net = { activation: settings.activation, layers };
  return settings.initialization === "lsuv" ? lsuv(net, x, rows) : net;
}

/** Layer by layer, divide the weights by the standard deviation of what the layer gives out for the images `x`. */
function lsuv(net, x, rows) {
  let h = x;
  for (const layer of net.layers) {
    let z = timesTransposed(h, layer.weight, rows, layer.into, layer.out);
    const std = Math.sqrt(variance(z));
    layer.weight = layer.weight.map((w) => w / std);
    h = activate(net.activation, z.map((value) => value / std));
  }
  return net;
}

function activate(name, z) {
  if (name !== "maxout") return z.map(ACTIVATIONS[name].value);
  return new Float32Array(z.length / 2).map((_, i) => Math.max(z[2 * i], z[2 * i + 1]));
}

/** From the gradient of h to that of z. */
function throughActivation(name, z, g) {
  if (name !== "maxout") {
    const { slope } = ACTIVATIONS[name];
    return g.map((value, i) => value * slope(z[i]));
  }
  return z.map((value, i) => (value === z[i ^ 1] ? i % 2 === 0 : value > z[i ^ 1]) * g[i >> 1]);
}

/** What every layer gives out: z before, h after the activation. h[0] is the input; the last h is the last z. */
export function forward({ activation, layers }, x, rows) {
  const trace = { rows, z: [], h: [x] };
  layers.forEach(({ weight, bias, into, out }, i) => {
    const z = timesTransposed(trace.h[i], weight, rows, into, out);
    for (let k = 0; k < z.length; k++) z[k] += bias[k % out];
    trace.z.push(z);
    trace.h.push(i + 1 < layers.length ? activate(activation, z) : z);
  });
  return trace;
}

/** Mean softmax cross-entropy, which images are wrong, and the gradient of each image's own loss by its logits. */
export function crossEntropy(logits, labels) {
  const classes = logits.length / labels.length;
  const gradient = new Float32Array(logits.length);
  const wrong = [];
  let loss = 0;
  labels.forEach((label, i) => {
    const row = Array.from(logits.subarray(i * classes, (i + 1) * classes));
    const top = Math.max(...row);
    const total = row.reduce((sum, z) => sum + Math.exp(z - top), 0);
    loss += Math.log(total) + top - row[label];
    if (row.indexOf(top) !== label) wrong.push(i);
    row.forEach((z, c) => { gradient[i * classes + c] = Math.exp(z - top) / total - (c === label); });
  });
  return { loss: loss / labels.length, wrong, gradient };
}

/** Gradients of each image's own loss by every h, and of the batch's mean loss by every weight and bias. */
export function backward({ activation, layers }, trace, gradient) {
  const grads = { h: [gradient], weight: [], bias: [] };
  const mean = (values) => values.map((value) => value / trace.rows);
  for (let i = layers.length - 1, g = gradient; i >= 0; i--) {
    const { weight, into, out } = layers[i];
    if (i + 1 < layers.length) g = throughActivation(activation, trace.z[i], g);
    grads.weight.unshift(mean(transposedTimes(g, trace.h[i], trace.rows, out, into)));
    grads.bias.unshift(mean(columnSums(g, trace.rows, out)));
    grads.h.unshift((g = times(g, weight, trace.rows, out, into)));
  }
  return grads;
}

/** Plain SGD, w ← w - rate · gradient, for every weight and bias. */
export function descend(layers, grads, rate) {
  const move = (values, gradient) => values.forEach((_, k) => { values[k] -= rate * gradient[k]; });
  layers.forEach(({ weight, bias }, i) => {
    move(weight, grads.weight[i]);
    move(bias, grads.bias[i]);
  });
}
