// Activations by the names of cnnlab.techniques.activations: value and derivative at one number, as torch takes them,
// also at a kink. `parameters` are sliders; `kinks` are where the slope may jump.
import { normalDensity, normalShare } from "./normal.js";

const SELU = { scale: 1.0507009873554805, alpha: 1.6732632423543772 };

const logistic = (z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
const ramp = (z) => (z > 0 ? z : 0);
const softly = (z) => ramp(z) + Math.log1p(Math.exp(-Math.abs(z))); // ln(1 + e^z) without overflow
const belowZero = (start, label = "Negative slope") => ({ label, start, min: -0.2, max: 1, step: 0.01 });
const anyShift = { label: "Shift b", start: 0, min: -1, max: 1, step: 0.05 };

/** z above zero, `slope` of the parameters times z below. */
const bent = (slope) => ({
  value: (z, p) => (z > 0 ? z : slope(p) * z), slope: (z, p) => (z > 0 ? 1 : slope(p)), kinks: () => [0],
});
const exponential = (z, alpha) => (z > 0 ? z : alpha * Math.expm1(z));
const exponentialSlope = (z, alpha) => (z > 0 ? 1 : alpha * Math.exp(z));
const leakySlope = { formula: "x above 0, a·x below", ...bent(({ a }) => a) };

export const POINTWISE = {
  identity: { name: "identity", label: "none (identity)", formula: "x", value: (z) => z, slope: () => 1 },
  sigmoid: { name: "sigmoid", formula: "1 / (1 + e⁻ˣ)", value: logistic, slope: (z) => logistic(z) * logistic(-z) },
  tanh: { name: "tanh", formula: "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)", value: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 },
  scaled_tanh: {
    name: "scaled tanh", formula: "1.7159 tanh(2x / 3)", value: (z) => 1.7159 * Math.tanh((2 / 3) * z),
    slope: (z) => 1.7159 * (2 / 3) * (1 - Math.tanh((2 / 3) * z) ** 2),
  },
  arcsinh: { name: "arcsinh", formula: "ln(x + √(x² + 1))", value: Math.asinh, slope: (z) => 1 / Math.sqrt(1 + z * z) },
  relu: { name: "ReLU", formula: "max(0, x)", value: ramp, slope: (z) => Number(z > 0), kinks: () => [0] },
  leaky_relu: { name: "leaky ReLU", ...leakySlope, parameters: { a: belowZero(0.01) } },
  very_leaky_relu: { name: "very leaky ReLU", ...leakySlope, parameters: { a: belowZero(1 / 3) } },
  prelu: {
    name: "PReLU", ...leakySlope, parameters: { a: belowZero(0.25, "Learned slope") },
    note: "a is learned, one number for all channels or one for each; it starts at 0.25",
  },
  rrelu: {
    name: "RReLU", label: "randomized ReLU (RReLU)", formula: "x above 0, x / a below", ...bent(({ lower, upper }) => 2 / (lower + upper)),
    parameters: {
      lower: { label: "Smallest divisor", start: 3, min: 1, max: 30, step: 0.5 },
      upper: { label: "Largest divisor", start: 8, min: 1, max: 30, step: 0.5 },
    },
    fan: ({ lower, upper }) => [1 / lower, 1 / upper],
    note: "in training a is drawn for each number (the fan); the line and all numbers are those at test, a in the middle",
  },
  elu: {
    name: "ELU", formula: "x above 0, α(eˣ − 1) below", parameters: { alpha: { label: "α", start: 1, min: 0.05, max: 2, step: 0.05 } },
    value: (z, p) => exponential(z, p.alpha), slope: (z, p) => exponentialSlope(z, p.alpha), kinks: () => [0],
  },
  selu: {
    name: "SELU", formula: "1.0507 · ELU(x) with α = 1.6733", value: (z) => SELU.scale * exponential(z, SELU.alpha),
    slope: (z) => SELU.scale * exponentialSlope(z, SELU.alpha), kinks: () => [0],
    note: "its two constants make N(0, 1) come out with mean 0 and variance 1",
  },
  elu_leaky: {
    name: "ELU + leaky", label: "mean of ELU and leaky ReLU", formula: "(ELU(x) + leaky ReLU(x)) / 2", kinks: () => [0],
    value: (z) => (exponential(z, 1) + (z > 0 ? z : 0.01 * z)) / 2, slope: (z) => (exponentialSlope(z, 1) + (z > 0 ? 1 : 0.01)) / 2,
  },
  softplus: {
    name: "softplus", formula: "ln(1 + e^βx) / β", parameters: { beta: { label: "β", start: 1, min: 0.5, max: 5, step: 0.1 } },
    value: (z, p) => softly(p.beta * z) / p.beta, slope: (z, p) => logistic(p.beta * z),
  },
  centered_softplus: { name: "centered softplus", formula: "ln(1 + eˣ) − ln 2", value: (z) => softly(z) - Math.LN2, slope: logistic },
  frelu: {
    name: "FReLU", label: "FReLU (shifted ReLU)", formula: "max(0, x) + b", parameters: { shift: anyShift }, kinks: () => [0],
    value: (z, p) => ramp(z) + p.shift, slope: (z) => Number(z > 0), note: "b is learned and starts at 0",
  },
  felu: {
    name: "FELU", label: "FELU (shifted ELU)", formula: "ELU(x) + b", parameters: { shift: anyShift }, kinks: () => [0],
    value: (z, p) => exponential(z, 1) + p.shift, slope: (z) => exponentialSlope(z, 1), note: "b is learned and starts at 0",
  },
  apl: {
    name: "APL", label: "APL (adaptive piecewise linear)", formula: "max(0, x) + a₁ max(0, b₁ − x) + a₂ max(0, b₂ − x)",
    parameters: {
      a1: { label: "Slope a₁", start: 0, min: -1, max: 1, step: 0.05 }, b1: { label: "Hinge b₁", start: -1 / 3, min: -3, max: 3, step: 0.1 },
      a2: { label: "Slope a₂", start: 0, min: -1, max: 1, step: 0.05 }, b2: { label: "Hinge b₂", start: 1 / 3, min: -3, max: 3, step: 0.1 },
    },
    value: (z, { a1, b1, a2, b2 }) => ramp(z) + a1 * ramp(b1 - z) + a2 * ramp(b2 - z), kinks: ({ b1, b2 }) => [0, b1, b2],
    slope: (z, { a1, b1, a2, b2 }) => Number(z > 0) - a1 * (z < b1) - a2 * (z < b2),
    note: "slopes and hinges are learned; it starts as ReLU, both slopes 0",
  },
  gelu: {
    name: "GELU", formula: "x Φ(x)", value: (z) => z * normalShare(z), slope: (z) => normalShare(z) + z * normalDensity(z),
    note: "Φ(x) is the share of N(0, 1) below x",
  },
  silu: {
    name: "SiLU", label: "SiLU (swish)", formula: "x / (1 + e⁻ˣ)", value: (z) => z * logistic(z),
    slope: (z) => logistic(z) * (1 + z * logistic(-z)),
  },
};

/** The named activation with its parameters filled in: functions of one number. What is not given is as it starts. */
export function unitOf(name, given = {}) {
  const { value, slope, kinks = () => [], fan = () => [], parameters = {}, ...words } = POINTWISE[name];
  const settled = Object.fromEntries(Object.entries(parameters).map(([key, { start }]) => [key, given[key] ?? start]));
  return {
    ...words, parameters, settled, value: (z) => value(z, settled), slope: (z) => slope(z, settled),
    kinks: [...new Set(kinks(settled))], fan: fan(settled),
  };
}
