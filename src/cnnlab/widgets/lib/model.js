// The net of the lab: what cnnlab.models.workbench builds from the same settings.
import { maps } from "./maps.js";
import { convolution } from "./convolution.js";
import { batchNorm } from "./norm.js";
import { ACTIVATION_LAYERS, activationLayer } from "./activationlayers.js";
import { globalAverage, maxPooling, sumJoin } from "./pool.js";
import { linear, softmaxLoss } from "./classifier.js";

/**
 * `depth` convolutions in three stages of width, 2·width and 4·width with a 2x2 max pool between them, then the mean
 * and a linear layer. `placement` of batch normalization is none, before or after the activation; `skip` convolutions at
 * a time lie under an identity, behind the first of each stage, and their sum is activated. `input` is {channels,
 * height, width, classes}, `room` {batch, Values}: the most images at once, and the kind of array.
 */
export function workbench({ depth, width, activation, placement, skip }, input, room) {
  if (depth < 3) throw new RangeError(`depth ${depth}: give at least 3, one convolution for each stage`);
  if (!(activation in ACTIVATION_LAYERS)) throw new RangeError(`activation ${activation} is unknown`);
  if (!["none", "before", "after"].includes(placement)) throw new RangeError(`placement ${placement} is unknown`);
  const net = emptyNet(input, room), settings = { activation, placement };
  for (let stage = 0; stage < 3; stage++) {
    const filters = width * 2 ** stage;
    let rest = Math.floor((depth + 2 - stage) / 3) - 1;
    if (stage) add(net, maxPooling(net.last, 2, room));
    addUnit(net, filters, settings, room);
    for (; skip && rest >= skip; rest -= skip) addResidual(net, filters, settings, skip, room);
    for (; rest; rest--) addUnit(net, filters, settings, room);
  }
  return addHead(net, input.classes, room);
}

/** A net of no layer yet; `add` puts one on top, `addHead` ends it. */
export function emptyNet({ channels, height, width }, room) {
  const input = { ...maps(channels, height, width, room), gradient: null };
  return { input, last: input, layers: [] };
}

export function add(net, layer) {
  net.layers.push(layer);
  net.last = layer.output;
}

/** A convolution with its activation, and batch normalization where it is placed. */
function addUnit(net, filters, { activation, placement }, room) {
  add(net, convolution(net.last, filters, room));
  if (placement === "before") add(net, batchNorm(net.last, room));
  addActivation(net, activation, room);
  if (placement === "after") add(net, batchNorm(net.last, room));
}

const addActivation = (net, name, room) => name !== "identity" && add(net, activationLayer(net.last, name, room));

/** `skip` convolutions under an identity, the last without its activation, which follows the sum. */
function addResidual(net, filters, settings, skip, room) {
  const shortcut = net.last;
  for (let i = 1; i < skip; i++) addUnit(net, filters, settings, room);
  addUnit(net, filters, { ...settings, activation: "identity" }, room);
  add(net, sumJoin(shortcut, net.last, room));
  addActivation(net, settings.activation, room);
}

/** The mean over places and a linear layer. */
export function addHead(net, classes, room) {
  add(net, globalAverage(net.last, room));
  add(net, linear(net.last, classes, room));
  return { ...net, logits: net.last, parameters: net.layers.flatMap((layer) => layer.parameters) };
}

/** Logits of the first `images` of the batch; `training`: normalize by the batch and move the running averages. */
export function forwardPass({ layers }, images, training) {
  for (let i = 0; i < layers.length; i++) layers[i].forward(images, training);
}

/** The mean loss of the batch, and in `gradient` of each parameter its gradient. A forward pass comes before. */
export function backwardPass({ layers, logits, parameters }, labels, images) {
  for (let i = 0; i < parameters.length; i++) parameters[i].gradient.fill(0);
  // every layer adds to its input's gradient, since the identity of a skip adds its own
  for (let i = 0; i < layers.length; i++) layers[i].output.gradient.fill(0);
  const loss = softmaxLoss(logits, labels, images);
  for (let i = layers.length - 1; i >= 0; i--) layers[i].backward(images);
  return loss;
}
