// What the training lab says: names of its choices, and what a run shows, in sentences.
import { amount } from "./words.js";

export const LAB_ACTIVATIONS = {
  relu: "ReLU", leaky_relu: "leaky ReLU (0.01)", very_leaky_relu: "very leaky ReLU (1/3)", elu: "ELU", selu: "SELU", gelu: "GELU",
  silu: "SiLU (Swish)", softplus: "softplus", centered_softplus: "softplus, centered", elu_leaky: "ELU, leaky", tanh: "tanh",
  scaled_tanh: "tanh, scaled", arcsinh: "arcsinh", sigmoid: "sigmoid", identity: "none (identity)",
};
export const LAB_INITIALIZATIONS = {
  zeros: "zeros", normal: "small normal (std 0.01)", xavier: "Xavier (Glorot)", he: "He (Kaiming)", orthogonal: "orthogonal", lsuv: "LSUV",
};
export const LAB_SCHEDULES = {
  constant: "constant", linear: "linear to 0", cosine: "cosine to 0", sqrt: "square root to 0", square: "square to 0", step: "steps of 1/10",
  step_every: "steps of 1/10, even", one_cycle: "one cycle", triangular: "triangles", triangular2: "triangles, halved", exp_range: "triangles, shrinking",
  linear_cosine: "linear × cosine", rising: "rising (range test)",
};
export const LAB_IMAGES = { digits: "digits, 8x8 gray", shapes: "shapes, 16x16 color" };
export const PLACEMENTS = { none: "no", before: "before the activation", after: "after the activation" };
export const SKIPS = { 0: "none", 1: "over one convolution", 2: "over two convolutions" };

const percent = (share) => `${(100 * share).toFixed(0)} %`;
const lastOf = (list) => list.at(-1);

/** {name, losses, looks, divergedAt} in a few words. */
function endOf({ name, losses, looks, divergedAt }) {
  if (divergedAt) return `${name} diverged at step ${divergedAt}`;
  const look = lastOf(looks);
  return look ? `${name} has ${percent(look.accuracy)} of the held-out images right` : `${name} is at loss ${lastOf(losses).toFixed(2)}`;
}

/** What the members show so far, at the end, or where the reader stopped them. */
export function labVerdict(members, done, stopped = false) {
  const begun = members.filter(({ losses }) => losses.length);
  if (!begun.length) return "Press Train, or move a slider.";
  const alive = begun.filter(({ divergedAt }) => !divergedAt), lost = begun.filter(({ divergedAt }) => divergedAt);
  const ranked = [...alive].sort((a, b) => (lastOf(b.looks)?.accuracy ?? 0) - (lastOf(a.looks)?.accuracy ?? 0));
  const parts = [];
  const first = stopped ? "Best so far" : done ? "Best" : "Ahead so far";
  if (ranked.length) parts.push(`${first}: ${endOf(ranked[0])}`);
  if (ranked.length > 1) parts.push(`last: ${endOf(lastOf(ranked))}`);
  if (lost.length) parts.push(lost.map(endOf).join(", "));
  const asleep = done && !stopped && ranked.length && (lastOf(ranked[0].looks)?.accuracy ?? 0) < 0.15
    ? " No member has learned more than guessing gives: try another learning rate or initialization." : "";
  const count = Math.max(...begun.map(({ losses }) => losses.length)), end = stopped ? `Stopped after ${count} step${count === 1 ? "" : "s"}. ` : "";
  return `${end}${parts.join("; ")}.${asleep}`;
}

const growthWords = (ratio) => (ratio === 0 || Number.isNaN(ratio) ? "no signal arrives at the last convolution"
  : `from the first convolution to the last the signal is multiplied by ${amount(ratio)}`);
const shareWords = (ratio) => (ratio === 0 || Number.isNaN(ratio) ? "no gradient arrives at the first"
  : `the gradient at the first is ${amount(ratio)} times that at the last`);

/** What the layers of one member show: growth from the first to the last, and channels that are silent. */
export function layerVerdict({ name, inside: { layers } }) {
  const ratio = (column) => layers.at(-2)[column] / layers[0][column];
  const silent = layers.map(({ silent: share }, i) => [i + 1, share]).filter(([, share]) => share > 0);
  const asleep = silent.length ? `Silent channels: ${silent.map(([layer, share]) => `${percent(share)} of layer ${layer}`).join(", ")}.`
    : "No channel is silent.";
  return `${name}: ${growthWords(ratio("signal"))}, and ${shareWords(1 / ratio("gradient"))}. ${asleep}`;
}

const SETTING_WORDS = {
  dataset: (value) => LAB_IMAGES[value].split(",")[0], activation: (value) => LAB_ACTIVATIONS[value],
  initialization: (value) => LAB_INITIALIZATIONS[value], placement: (value) => (value === "none" ? "no batch norm" : `batch norm ${PLACEMENTS[value]}`),
  skip: (value) => (value ? `skips ${SKIPS[value]}` : "no skips"), depth: (value) => `${value} convolutions`, width: (value) => `${value} channels`,
  lr: (value) => `lr ${value}`, schedule: (value) => `rate ${LAB_SCHEDULES[value]}`, momentum: (value) => `momentum ${value}`,
  batch_size: (value) => `batches of ${value}`, steps: (value) => `${value} steps`, seed: (value) => `seed ${value}`,
};

/** What tells a pinned setting from the present one and from the other pins; what is compared (`varies`) is always said. */
export function pinWords(settings, others, varies) {
  const told = Object.keys(SETTING_WORDS).filter((name) => name === varies || others.some((other) => other[name] !== settings[name]));
  return told.map((name) => SETTING_WORDS[name](settings[name])).join(", ") || "the present setting";
}
