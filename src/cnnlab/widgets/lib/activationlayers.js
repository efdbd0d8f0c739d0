// Activations of one value, by the names and formulas of cnnlab.techniques.activations. Each has two loops of its own: with
// one loop that calls a function it is given, the browser could not put the function's code into the loop.
import { maps } from "./maps.js";
import { phi, phiSlope } from "./phi.js";

const LAMBDA = 1.0507009873554805, ALPHA = 1.6732632423543772; // of SELU
const LN2 = Math.log(2), STRETCH = 1.7159;

/** The layer h = f(z); `identity` is no layer at all. */
export function activationLayer(input, name, room) {
  const output = maps(input.channels, input.height, input.width, room), { places } = input, rule = ACTIVATION_LAYERS[name];
  return {
    kind: "activation", input, output, parameters: [],
    forward(images) { rule.forward(input.values, output.values, places * images); },
    backward(images) { rule.backward(input.values, output.values, output.gradient, input.gradient, places * images); },
  };
}

function leakyForward(z, h, count, slope) {
  for (let i = 0; i < count; i++) h[i] = z[i] > 0 ? z[i] : slope * z[i];
}

function leakyBackward(z, g, dz, count, slope) {
  for (let i = 0; i < count; i++) dz[i] += z[i] > 0 ? g[i] : slope * g[i];
}

/** forward(z, h, count) sets h; backward(z, h, g, dz, count) adds to dz what the gradient g of h makes it. */
export const ACTIVATION_LAYERS = {
  identity: null,
  sigmoid: {
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = 1 / (1 + Math.exp(-z[i])); },
    backward(z, h, g, dz, count) { for (let i = 0; i < count; i++) dz[i] += g[i] * h[i] * (1 - h[i]); },
  },
  tanh: {
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = Math.tanh(z[i]); },
    backward(z, h, g, dz, count) { for (let i = 0; i < count; i++) dz[i] += g[i] * (1 - h[i] * h[i]); },
  },
  scaled_tanh: {
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = STRETCH * Math.tanh((2 / 3) * z[i]); },
    backward(z, h, g, dz, count) {
      for (let i = 0; i < count; i++) dz[i] += g[i] * (2 / 3) * (STRETCH - (h[i] * h[i]) / STRETCH);
    },
  },
  arcsinh: {
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = Math.asinh(z[i]); },
    backward(z, h, g, dz, count) { for (let i = 0; i < count; i++) dz[i] += g[i] / Math.sqrt(z[i] * z[i] + 1); },
  },
  relu: { // written so that NaN stays NaN
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = z[i] <= 0 ? 0 : z[i]; },
    backward(z, h, g, dz, count) { for (let i = 0; i < count; i++) dz[i] += z[i] <= 0 ? 0 : g[i]; },
  },
  leaky_relu: {
    forward(z, h, count) { leakyForward(z, h, count, 0.01); },
    backward(z, h, g, dz, count) { leakyBackward(z, g, dz, count, 0.01); },
  },
  very_leaky_relu: {
    forward(z, h, count) { leakyForward(z, h, count, 1 / 3); },
    backward(z, h, g, dz, count) { leakyBackward(z, g, dz, count, 1 / 3); },
  },
  elu: {
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = z[i] > 0 ? z[i] : Math.expm1(z[i]); },
    backward(z, h, g, dz, count) { for (let i = 0; i < count; i++) dz[i] += z[i] > 0 ? g[i] : g[i] * (h[i] + 1); },
  },
  selu: {
    forward(z, h, count) {
      for (let i = 0; i < count; i++) h[i] = z[i] > 0 ? LAMBDA * z[i] : LAMBDA * ALPHA * Math.expm1(z[i]);
    },
    backward(z, h, g, dz, count) {
      for (let i = 0; i < count; i++) dz[i] += g[i] * (z[i] > 0 ? LAMBDA : h[i] + LAMBDA * ALPHA);
    },
  },
  elu_leaky: {
    forward(z, h, count) {
      for (let i = 0; i < count; i++) h[i] = z[i] > 0 ? z[i] : (Math.expm1(z[i]) + 0.01 * z[i]) / 2;
    },
    backward(z, h, g, dz, count) {
      for (let i = 0; i < count; i++) dz[i] += z[i] > 0 ? g[i] : (g[i] * (Math.exp(z[i]) + 0.01)) / 2;
    },
  },
  softplus: { // torch's module takes z itself above 20
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = z[i] > 20 ? z[i] : Math.log1p(Math.exp(z[i])); },
    backward(z, h, g, dz, count) {
      for (let i = 0; i < count; i++) dz[i] += z[i] > 20 ? g[i] : g[i] / (1 + Math.exp(-z[i]));
    },
  },
  centered_softplus: {
    forward(z, h, count) {
      for (let i = 0; i < count; i++) h[i] = Math.max(z[i], 0) + Math.log1p(Math.exp(-Math.abs(z[i]))) - LN2;
    },
    backward(z, h, g, dz, count) { for (let i = 0; i < count; i++) dz[i] += g[i] / (1 + Math.exp(-z[i])); },
  },
  gelu: {
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = z[i] * phi(z[i]); },
    backward(z, h, g, dz, count) {
      for (let i = 0; i < count; i++) dz[i] += g[i] * (phi(z[i]) + z[i] * phiSlope(z[i]));
    },
  },
  silu: {
    forward(z, h, count) { for (let i = 0; i < count; i++) h[i] = z[i] / (1 + Math.exp(-z[i])); },
    backward(z, h, g, dz, count) {
      for (let i = 0; i < count; i++) {
        const s = 1 / (1 + Math.exp(-z[i]));
        dz[i] += g[i] * s * (1 + z[i] * (1 - s));
      }
    },
  },
};
