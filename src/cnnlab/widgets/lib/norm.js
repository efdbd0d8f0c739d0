// Batch normalization over images and places of each channel, as torch.nn.BatchNorm2d.
import { maps, parameter } from "./maps.js";

const NORM_EPSILON = 1e-5, NORM_MOMENTUM = 0.1;

export function batchNorm(input, room) {
  const { channels, height, width } = input, output = maps(channels, height, width, room);
  const weight = parameter([channels], room.Values), bias = parameter([channels], room.Values);
  const layer = {
    kind: "norm", input, output, parameters: [weight, bias], weight, bias,
    runningMean: new room.Values(channels), runningVariance: new room.Values(channels),
    mean: new Float64Array(channels), scale: new Float64Array(channels), // of the last forward pass; scale is 1 / deviation
    forward(images, training) {
      if (training) measureBatch(layer, height * width * images);
      else takeRunning(layer);
      normalize(layer, height * width * images);
    },
    backward(images) { backwardNorm(layer, height * width * images); },
  };
  weight.values.fill(1);
  layer.runningVariance.fill(1);
  return layer;
}

/** Mean and variance of each channel of the batch; the running ones move a tenth of the way to them. */
function measureBatch({ input, mean, scale, runningMean, runningVariance }, size) {
  const x = input.values;
  for (let c = 0; c < mean.length; c++) {
    const first = c * size, end = first + size;
    let sum = 0, squares = 0;
    for (let p = first; p < end; p++) sum += x[p];
    const center = sum / size;
    for (let p = first; p < end; p++) { const d = x[p] - center; squares += d * d; }
    mean[c] = center;
    scale[c] = 1 / Math.sqrt(squares / size + NORM_EPSILON);
    runningMean[c] += NORM_MOMENTUM * (center - runningMean[c]);
    runningVariance[c] += NORM_MOMENTUM * (squares / (size - 1) - runningVariance[c]); // n - 1 here only, as torch
  }
}

function takeRunning({ mean, scale, runningMean, runningVariance }) {
  for (let c = 0; c < mean.length; c++) {
    mean[c] = runningMean[c];
    scale[c] = 1 / Math.sqrt(runningVariance[c] + NORM_EPSILON);
  }
}

function normalize({ input, output, mean, scale, weight, bias }, size) {
  const x = input.values, y = output.values;
  for (let c = 0; c < mean.length; c++) {
    const factor = scale[c] * weight.values[c], shift = bias.values[c], center = mean[c];
    for (let p = c * size, end = p + size; p < end; p++) y[p] = (x[p] - center) * factor + shift;
  }
}

/** dx = weight · scale · (g - mean(g) - x̂ · mean(g x̂)): mean and deviation, which are set, give the loss nothing. */
function backwardNorm({ input, output, mean, scale, weight, bias }, size) {
  const x = input.values, g = output.gradient, dx = input.gradient;
  for (let c = 0; c < mean.length; c++) {
    const first = c * size, end = first + size, center = mean[c], factor = scale[c];
    let sum = 0, along = 0;
    for (let p = first; p < end; p++) { sum += g[p]; along += g[p] * (x[p] - center); }
    along *= factor;
    bias.gradient[c] += sum;
    weight.gradient[c] += along;
    const outer = factor * weight.values[c], level = sum / size, slope = (factor * along) / size;
    for (let p = first; p < end; p++) dx[p] += outer * (g[p] - level - slope * (x[p] - center));
  }
}
