// The end of the net: a linear layer, and the softmax cross-entropy of its logits.
import { maps, parameter } from "./maps.js";
import { spreadBias, sumUp } from "./convolution.js";

/** logits[k] = bias[k] + sum over c of weight[k, c] x[c], as torch.nn.Linear. */
export function linear(input, classes, room) {
  const output = maps(classes, 1, 1, room), inputs = input.places;
  const weight = parameter([classes, inputs], room.Values), bias = parameter([classes], room.Values);
  return {
    kind: "linear", input, output, parameters: [weight, bias], weight, bias,
    forward(images) {
      spreadBias(bias.values, output.values, images);
      multiply(input.values, weight.values, output.values, inputs, classes, images);
    },
    backward(images) {
      sumUp(output.gradient, bias.gradient, images);
      multiplyBack(input, weight, output.gradient, inputs, classes, images);
    },
  };
}

function multiply(x, w, y, inputs, classes, images) {
  for (let k = 0; k < classes; k++) {
    for (let c = 0; c < inputs; c++) {
      const factor = w[k * inputs + c];
      for (let i = 0; i < images; i++) y[k * images + i] += factor * x[c * images + i];
    }
  }
}

function multiplyBack(input, weight, g, inputs, classes, images) {
  const x = input.values, dx = input.gradient, w = weight.values, dw = weight.gradient;
  for (let k = 0; k < classes; k++) {
    for (let c = 0; c < inputs; c++) {
      const factor = w[k * inputs + c];
      let sum = 0;
      for (let i = 0; i < images; i++) {
        sum += g[k * images + i] * x[c * images + i];
        dx[c * images + i] += factor * g[k * images + i];
      }
      dw[k * inputs + c] += sum;
    }
  }
}

/** Mean cross-entropy of the batch in nats; writes its gradient by the logits. */
export function softmaxLoss({ channels: classes, values: z, gradient: g }, labels, images) {
  let loss = 0;
  for (let i = 0; i < images; i++) {
    let top = z[i], total = 0;
    for (let k = 1; k < classes; k++) top = Math.max(top, z[k * images + i]);
    for (let k = 0; k < classes; k++) total += Math.exp(z[k * images + i] - top);
    for (let k = 0; k < classes; k++) g[k * images + i] = Math.exp(z[k * images + i] - top) / total / images;
    g[labels[i] * images + i] -= 1 / images;
    loss += Math.log(total) + top - z[labels[i] * images + i];
  }
  return loss / images;
}

/** The class on top for image `i` of the batch; of equal logits the first, as torch.argmax. */
export function answerOf({ channels: classes, values: z }, images, i) {
  let best = 0;
  for (let k = 1; k < classes; k++) if (z[k * images + i] > z[best * images + i]) best = k;
  return best;
}
