// Settings and data in, columns out: a network on the digits a widget carries. Knows nothing of the page's elements.
import { generator, shuffled } from "./random.js";
import { meanSquare, variance } from "./matrix.js";
import { backward, crossEntropy, descend, forward, initialize } from "./network.js";

export const PIXELS = 64, CLASSES = 10, BATCH = 64, TRAINING_BATCH = 32, STEPS = 200;
const CHUNK_MS = 12;

/** Images as base64 bytes, 64 to an image, and labels as a string of digits; the last quarter is held out. */
export function decode(images, labels) {
  const bytes = Uint8Array.from(atob(images), (character) => character.charCodeAt(0));
  const y = [...labels].map(Number);
  const held = Math.floor(y.length / 4), cut = (y.length - held) * PIXELS;
  const seen = bytes.subarray(0, cut);
  const mean = seen.reduce((sum, pixel) => sum + pixel, 0) / cut;
  const std = Math.sqrt(variance(seen));
  const x = Float32Array.from(bytes, (pixel) => (pixel - mean) / std);
  return {
    train: { x: x.subarray(0, cut), y: y.slice(0, y.length - held) },
    heldOut: { x: x.subarray(cut), y: y.slice(y.length - held), ink: bytes.subarray(cut) },
  };
}

const pick = ({ x, y }, indices) => {
  const images = new Float32Array(indices.length * PIXELS);
  indices.forEach((index, row) => images.set(x.subarray(index * PIXELS, (index + 1) * PIXELS), row * PIXELS));
  return { x: images, y: indices.map((index) => y[index]) };
};

const probe = ({ train }) => pick(train, train.y.map((_, i) => i).slice(0, BATCH));

export function start(settings, data) {
  const { x, y } = probe(data);
  return initialize(settings, generator(settings.seed), x, y.length, CLASSES);
}

/** Mean squares by layer over the first 64 images: layer 0 is the input, the last one the output (logits). */
export function columnsOf(net, data) {
  const { x, y } = probe(data);
  const trace = forward(net, x, y.length);
  const { gradient } = crossEntropy(trace.h.at(-1), y);
  return {
    layer: trace.h.map((_, i) => i),
    activation: trace.h.map(meanSquare),
    gradient: backward(net, trace, gradient).h.map(meanSquare),
    variance: [variance(x), ...trace.z.map(variance)],
  };
}

export const measure = (settings, data) => columnsOf(start(settings, data), data);

/** One step of SGD on the next batch of `order`; returns its loss before the step. */
export function step(net, { x, y }, rate) {
  const trace = forward(net, x, y.length);
  const { loss, gradient } = crossEntropy(trace.h.at(-1), y);
  if (Number.isFinite(loss)) descend(net.layers, backward(net, trace, gradient), rate);
  return loss;
}

/** The network now: columns, and which held-out images it gets wrong. */
function look(net, data) {
  const { x, y } = data.heldOut;
  const { wrong } = crossEntropy(forward(net, x, y.length).h.at(-1), y);
  return { columns: columnsOf(net, data), wrong };
}

/** Trains the network of `settings`; calls `emit({losses, columns, wrong, ...})` as it goes, stops when `cancelled()`. */
export async function train(settings, data, emit, cancelled) {
  const net = start(settings, data), losses = [], uniform = generator(settings.seed + 1);
  let order = [], divergedAt = null, seen = null;
  while (losses.length < STEPS && !divergedAt) {
    const began = performance.now();
    for (let i = 0; i < 2 && losses.length < STEPS && !divergedAt && performance.now() - began < CHUNK_MS; i++) {
      if (order.length < TRAINING_BATCH) order = shuffled(data.train.y.length, uniform);
      losses.push(step(net, pick(data.train, order.splice(0, TRAINING_BATCH)), settings.learning_rate));
      if (!Number.isFinite(losses.at(-1))) divergedAt = losses.length;
    }
    const done = losses.length === STEPS || Boolean(divergedAt);
    // a look costs three steps: in a deep network one for every step would take most of the time
    if (done || !seen || losses.length - seen.step >= 4) seen = { step: losses.length, ...look(net, data) };
    emit({ losses, divergedAt, columns: seen.columns, wrong: seen.wrong, done });
    await new Promise(requestAnimationFrame);
    if (cancelled()) return;
  }
}
