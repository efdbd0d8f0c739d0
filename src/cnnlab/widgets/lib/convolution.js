// 3x3 convolutions with padding 1. Every weight belongs to three loops at once: forward, its own gradient, the input's.
import { maps, parameter } from "./maps.js";

/** The layer: output[o] = bias[o] + sum over c of weight[o, c] correlated with input[c], as torch.nn.Conv2d. */
export function convolution(input, filters, room) {
  if (filters % 4) throw new RangeError(`${filters} filters: give a multiple of 4, the filters that a loop takes at once`);
  const { channels, height, width } = input, output = maps(filters, height, width, room);
  const weight = parameter([filters, channels, 3, 3], room.Values), bias = parameter([filters], room.Values);
  const framed = (count) => new room.Values(count * (height + 2) * (width + 2) * room.batch);
  const inside = framed(channels), behind = input.gradient && framed(filters);
  const turned = new room.Values(weight.values.length);
  return {
    kind: "convolution", input, output, parameters: [weight, bias], weight, bias,
    forward(images) {
      surround(input.values, inside, channels, height, width, images);
      spreadBias(bias.values, output.values, height * width * images);
      correlate(inside, weight.values, output.values, channels, filters, height, width, images);
    },
    backward(images) {
      sumUp(output.gradient, bias.gradient, height * width * images);
      correlateGradient(inside, output.gradient, weight.gradient, channels, filters, height, width, images);
      if (!input.gradient) return; // nobody asks how the loss depends on the pixels
      surround(output.gradient, behind, filters, height, width, images);
      turn(weight.values, turned, channels, filters);
      correlate(behind, turned, input.gradient, filters, channels, height, width, images);
    },
  };
}

/** A copy of the maps with a frame of zeros, one pixel wide: then no loop has to ask where a map ends. */
function surround(from, to, channels, height, width, images) {
  const line = width * images, longer = line + 2 * images;
  to.fill(0, 0, channels * (height + 2) * longer);
  for (let c = 0, p = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      let q = (c * (height + 2) + y + 1) * longer + images;
      for (const end = p + line; p < end; p++, q++) to[q] = from[p];
    }
  }
}

/**
 * Adds the correlation of `x`, which has a frame, with the weights `w` [o][c][3][3] to `out`. Four filters and one row of
 * the kernel at a time: 12 products of 3 values read, 1.5 times as fast here as nine products for one filter, 1.2 times
 * as fast as blocks of 4 filters by 4 places. No other loop of a training step takes as long.
 */
function correlate(x, w, out, channels, filters, height, width, n) {
  const line = width * n, longer = line + 2 * n, size = height * line, next = 9 * channels, n2 = 2 * n;
  for (let o = 0; o < filters; o += 4) {
    for (let c = 0; c < channels; c++) {
      for (let row = 0; row < 3; row++) {
        const a = (o * channels + c) * 9 + 3 * row, b = a + next, d = b + next, e = d + next;
        const a0 = w[a], a1 = w[a + 1], a2 = w[a + 2], b0 = w[b], b1 = w[b + 1], b2 = w[b + 2];
        const d0 = w[d], d1 = w[d + 1], d2 = w[d + 2], e0 = w[e], e1 = w[e + 1], e2 = w[e + 2];
        for (let y = 0; y < height; y++) {
          let p = o * size + y * line, i = (c * (height + 2) + y + row) * longer;
          for (const end = p + line; p < end; p++, i++) {
            const x0 = x[i], x1 = x[i + n], x2 = x[i + n2];
            out[p] += a0 * x0 + a1 * x1 + a2 * x2;
            out[p + size] += b0 * x0 + b1 * x1 + b2 * x2;
            out[p + 2 * size] += d0 * x0 + d1 * x1 + d2 * x2;
            out[p + 3 * size] += e0 * x0 + e1 * x1 + e2 * x2;
          }
        }
      }
    }
  }
}

/** The gradient by the weights, in the same blocks: `x` with its frame, correlated with the gradient `g` of the output. */
function correlateGradient(x, g, gradient, channels, filters, height, width, n) {
  const line = width * n, longer = line + 2 * n, size = height * line, next = 9 * channels, n2 = 2 * n;
  for (let o = 0; o < filters; o += 4) {
    for (let c = 0; c < channels; c++) {
      for (let row = 0; row < 3; row++) {
        let a0 = 0, a1 = 0, a2 = 0, b0 = 0, b1 = 0, b2 = 0, d0 = 0, d1 = 0, d2 = 0, e0 = 0, e1 = 0, e2 = 0;
        for (let y = 0; y < height; y++) {
          let p = o * size + y * line, i = (c * (height + 2) + y + row) * longer;
          for (const end = p + line; p < end; p++, i++) {
            const x0 = x[i], x1 = x[i + n], x2 = x[i + n2];
            const ga = g[p], gb = g[p + size], gd = g[p + 2 * size], ge = g[p + 3 * size];
            a0 += ga * x0; a1 += ga * x1; a2 += ga * x2; b0 += gb * x0; b1 += gb * x1; b2 += gb * x2;
            d0 += gd * x0; d1 += gd * x1; d2 += gd * x2; e0 += ge * x0; e1 += ge * x1; e2 += ge * x2;
          }
        }
        const a = (o * channels + c) * 9 + 3 * row, b = a + next, d = b + next, e = d + next;
        gradient[a] += a0; gradient[a + 1] += a1; gradient[a + 2] += a2;
        gradient[b] += b0; gradient[b + 1] += b1; gradient[b + 2] += b2;
        gradient[d] += d0; gradient[d + 1] += d1; gradient[d + 2] += d2;
        gradient[e] += e0; gradient[e + 1] += e1; gradient[e + 2] += e2;
      }
    }
  }
}

/** Weights [o][c] as [c][o], each kernel turned by 180 degrees: with them the gradient runs back through `correlate`. */
function turn(w, turned, channels, filters) {
  for (let o = 0; o < filters; o++) {
    for (let c = 0; c < channels; c++) {
      const from = (o * channels + c) * 9, to = (c * filters + o) * 9 + 8;
      for (let k = 0; k < 9; k++) turned[to - k] = w[from + k];
    }
  }
}

/** Each map's `size` values start at its bias. */
export function spreadBias(bias, out, size) {
  for (let o = 0; o < bias.length; o++) out.fill(bias[o], o * size, (o + 1) * size);
}

/** The gradient by a bias: the sum over its map. */
export function sumUp(g, gradient, size) {
  for (let o = 0; o < gradient.length; o++) {
    let sum = 0;
    for (let p = o * size, end = p + size; p < end; p++) sum += g[p];
    gradient[o] += sum;
  }
}
