// What the training lab says: names of its choices, and what a run shows, in sentences.

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

/** What the members show so far, or at the end. */
export function labVerdict(members, done) {
  const begun = members.filter(({ losses }) => losses.length);
  if (!begun.length) return "Press Train, or move a slider.";
  const alive = begun.filter(({ divergedAt }) => !divergedAt), lost = begun.filter(({ divergedAt }) => divergedAt);
  const ranked = [...alive].sort((a, b) => (lastOf(b.looks)?.accuracy ?? 0) - (lastOf(a.looks)?.accuracy ?? 0));
  const parts = [];
  if (ranked.length) parts.push(`${done ? "Best" : "Ahead so far"}: ${endOf(ranked[0])}`);
  if (ranked.length > 1) parts.push(`last: ${endOf(lastOf(ranked))}`);
  if (lost.length) parts.push(lost.map(endOf).join(", "));
  const asleep = done && ranked.length && (lastOf(ranked[0].looks)?.accuracy ?? 0) < 0.15
    ? " No member has learned more than guessing gives: try another learning rate or initialization." : "";
  return `${parts.join("; ")}.${asleep}`;
}

/** What the layers of one member show: growth from the first to the last, and channels that are silent. */
export function layerVerdict({ name, inside: { layers } }) {
  const ratio = (column) => layers.at(-2)[column] / layers[0][column];
  const words = (value) => (!Number.isFinite(value) ? "no number" : value >= 0.01 && value < 100 ? value.toPrecision(2) : value.toExponential(0));
  const silent = layers.map(({ silent: share }, i) => [i + 1, share]).filter(([, share]) => share > 0);
  const asleep = silent.length ? `Silent channels: ${silent.map(([layer, share]) => `${percent(share)} of layer ${layer}`).join(", ")}.`
    : "No channel is silent.";
  return `${name}: from the first convolution to the last the signal is multiplied by ${words(ratio("signal"))}, and the gradient at the first `
    + `is ${words(1 / ratio("gradient"))} times that at the last. ${asleep}`;
}

/** The setting of a member in a line, for a pinned curve. */
export const settingWords = (settings, name) => `${name} (${LAB_ACTIVATIONS[settings.activation]}, ${LAB_INITIALIZATIONS[settings.initialization]}, `
  + `${settings.depth} layers, lr ${settings.lr}${settings.placement === "none" ? "" : ", batch norm"}${Number(settings.skip) ? ", skips" : ""})`;
