// Numbers and findings in words.

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

const superscript = (exponent) => [...String(exponent)].map((sign) => SUPERSCRIPTS[sign]).join("");

/** 10 to a whole power: 1, 10⁻⁶. */
export const power = (exponent) => (exponent === 0 ? "1" : exponent === 1 ? "10" : `10${superscript(exponent)}`);

/** Two digits: 0.87, 12, 9.5 × 10⁻⁷. */
export function amount(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : "∞";
  if (value >= 0.01 && value < 1000) return value >= 100 ? String(Math.round(value)) : value.toPrecision(2);
  const [mantissa, exponent] = value.toExponential(1).split("e");
  return `${mantissa} × 10${superscript(Number(exponent))}`;
}

export const INITIALIZATION_NAMES = {
  zeros: "zeros", normal: "small normal (std 0.01)", xavier: "Xavier (Glorot)", he: "He (Kaiming)",
  orthogonal: "orthogonal", lsuv: "LSUV",
};

export const ACTIVATION_NAMES = {
  identity: "none (identity)", relu: "ReLU", leaky_relu: "leaky ReLU (0.01)", very_leaky_relu: "very leaky ReLU (1/3)",
  tanh: "tanh", elu: "ELU", maxout: "maxout of 2",
};

const SHORT = {
  normal: "small normal", xavier: "Xavier", he: "He", identity: "linear", leaky_relu: "leaky ReLU",
  very_leaky_relu: "very leaky ReLU", maxout: "maxout",
};
const short = (name, names) => SHORT[name] ?? names[name];

/** "He, ReLU, 20 layers", for the legend and the sentences. */
export function title({ initialization, activation, depth, gain, seed }) {
  const more = initialization === "lsuv" || gain === 1 ? "" : `, gain ${gain}`;
  return `${short(initialization, INITIALIZATION_NAMES)}, ${short(activation, ACTIVATION_NAMES)}, ${depth} layers${more}, draw ${seed}`;
}

/** What one layer does, as a geometric mean over `depth` layers. */
const perLayer = (ratio, depth) => ratio ** (1 / depth);

const factor = (ratio, depth) => (Number.isFinite(ratio) ? `× ${amount(perLayer(ratio, depth))}` : "no number");

/** "each layer × 0.49 (predicted × 0.50)", from what all layers do. */
export const slopeWords = (measured, predicted, depth) =>
  `each layer ${factor(measured, depth)} (predicted ${factor(predicted, depth)})`;

function signalWords(ratio, depth) {
  if (!Number.isFinite(ratio)) return "the signal has overflowed: it is larger than any 32-bit number";
  if (ratio === 0) return "the signal is exactly 0";
  const each = amount(perLayer(ratio, depth));
  if (ratio < 0.1) return `the signal is ${amount(ratio)} of the input: each layer keeps ${each} of it`;
  if (ratio > 10) return `the signal is ${amount(ratio)} times the input: each layer multiplies it by ${each}`;
  const size = ratio < 0.5 ? "weaker" : ratio > 2 ? "stronger" : "about as strong";
  return `the signal is ${amount(ratio)} times the input: ${size}, × ${each} a layer`;
}

function gradientWords(ratio) {
  if (!Number.isFinite(ratio)) return "The gradient has overflowed.";
  if (ratio === 0) return "No gradient reaches the first layer.";
  return `The gradient at the input is ${amount(ratio)} times that at the output.`;
}

/** What the two panels show, in words. `columns` are relative: signal to the input, gradient to the output. */
export function describe({ initialization, activation, depth }, { activation: signal, gradient }) {
  if (initialization === "zeros") {
    return "All weights are zero: after the first layer every value is exactly 0, no gradient comes back, "
      + "and only the last bias can learn.";
  }
  const kind = `${depth} ${short(activation, ACTIVATION_NAMES)} layers under ${short(initialization, INITIALIZATION_NAMES)}`;
  const dead = signal.findIndex((value) => value === 0);
  const where = dead > 0 ? ` From layer ${dead} on it is too small for a 32-bit number.` : "";
  return `After ${kind} ${signalWords(signal[depth], depth)}.${where} ${gradientWords(gradient[0])}`;
}

/** How a training run ended. */
export function outcome({ losses, divergedAt, wrong }, heldOut) {
  if (divergedAt) return `Diverged at step ${divergedAt}: the loss is no longer a number. Try a smaller learning rate or gain.`;
  const last = losses.slice(-20).reduce((sum, loss) => sum + loss, 0) / Math.min(20, losses.length);
  const right = heldOut - wrong.length;
  const score = `${right} of ${heldOut} images it never saw are right (${Math.round((100 * right) / heldOut)} %)`;
  if (last > 2.2) return `It has not learned: after ${losses.length} steps the loss is ${last.toFixed(2)}, and guessing gives ln 10 = 2.30. ${score}.`;
  return `After ${losses.length} steps the loss is ${last.toFixed(2)}; ${score}.`;
}
