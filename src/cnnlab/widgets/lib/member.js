// One member of a comparison: a net of its settings, trained step by step on batches of its own order.
import { generator, shuffled } from "./random.js";
import { fillBatch } from "./maps.js";
import { backwardPass, forwardPass, workbench } from "./model.js";
import { answerOf, softmaxLoss } from "./classifier.js";
import { startWeights } from "./weights.js";
import { sgd } from "./sgd.js";
import { SCHEDULE_FACTORS } from "./schedulefactors.js";

/** The settings of a run by the names and defaults of cnnlab.config, but for `steps`, `batch_size` and `width`. */
export const MEMBER_DEFAULTS = {
  depth: 3, width: 8, activation: "relu", placement: "none", skip: 0, initialization: "he",
  steps: 100, batch_size: 32, lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0, schedule: "linear", seed: 0,
};

/** A member at step 0. `data` is what `divided` gives; LSUV looks at the first batch of train images as they lie. */
export function member(given, data, Values = Float32Array) {
  const settings = { ...MEMBER_DEFAULTS, ...given };
  if (!(settings.schedule in SCHEDULE_FACTORS)) throw new RangeError(`schedule ${settings.schedule} is unknown`);
  const batch = Math.min(settings.batch_size, data.train.labels.length);
  const net = workbench(settings, data, { batch, Values });
  fillBatch(net.input, data.train.images, Array.from({ length: batch }, (_, i) => i));
  startWeights(net, settings.initialization, generator(settings.seed), batch);
  return {
    settings, data, net, batch, descend: sgd(net.parameters, settings),
    uniform: generator(settings.seed + 1), order: [], next: 0,
    rows: new Int32Array(batch), labels: new Uint8Array(batch), done: 0, divergedAt: null,
  };
}

/** One step; returns {loss, right} of its batch before the step. A loss that is not finite ends the run, unmoved. */
export function memberStep(one) {
  nextBatch(one);
  const { net, batch, labels, settings } = one;
  forwardPass(net, batch, true);
  const loss = backwardPass(net, labels, batch);
  let right = 0;
  for (let i = 0; i < batch; i++) if (answerOf(net.logits, batch, i) === labels[i]) right++;
  if (Number.isFinite(loss)) one.descend(settings.lr * SCHEDULE_FACTORS[settings.schedule](one.done / settings.steps));
  else one.divergedAt = one.done + 1;
  one.done++;
  return { loss, right };
}

export const isFinished = ({ done, divergedAt, settings }) => done >= settings.steps || divergedAt !== null;

/** Every batch is full: images that a walk through the set leaves over wait for the next one, shuffled anew. */
function nextBatch(one) {
  const { net, data: { train }, batch, rows, labels } = one;
  if (one.next + batch > one.order.length) {
    one.order = shuffled(train.labels.length, one.uniform);
    one.next = 0;
  }
  for (let i = 0; i < batch; i++) {
    rows[i] = one.order[one.next++];
    labels[i] = train.labels[rows[i]];
  }
  fillBatch(net.input, train.images, rows);
}

/** Mean loss and accuracy of the first `most` images of a part, in evaluation mode; and which of them are wrong. */
export function evaluateMember({ net, batch }, { images, labels }, most = labels.length) {
  const count = Math.min(most, labels.length), wrong = [];
  let loss = 0;
  for (let first = 0; first < count; first += batch) {
    const few = Math.min(batch, count - first), rows = Array.from({ length: few }, (_, i) => first + i);
    fillBatch(net.input, images, rows);
    forwardPass(net, few, false);
    loss += softmaxLoss(net.logits, labels.subarray(first, first + few), few) * few;
    wrong.push(...rows.filter((row, i) => answerOf(net.logits, few, i) !== labels[row]));
  }
  return { loss: loss / count, accuracy: 1 - wrong.length / count, wrong };
}
