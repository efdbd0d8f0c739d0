// Max pooling, the sum of two branches, the mean over places.
import { maps } from "./maps.js";

/** The largest value of each window, which do not overlap; of equal ones the first, as torch. NaN wins. */
export function maxPooling(input, window, room) {
  const { channels } = input;
  const height = Math.floor(input.height / window), width = Math.floor(input.width / window);
  if (!height || !width) throw new RangeError(`a ${input.height}x${input.width} map has no ${window}x${window} window`);
  const output = maps(channels, height, width, room), chosen = new Int32Array(output.values.length);
  return {
    kind: "pool", input, output, parameters: [],
    forward(images) { pickLargest(input, output, chosen, window, images); },
    backward(images) {
      const g = output.gradient, dx = input.gradient, count = output.places * images;
      for (let i = 0; i < count; i++) dx[chosen[i]] += g[i];
    },
  };
}

function pickLargest(input, output, chosen, window, images) {
  const x = input.values, y = output.values, line = input.width * images;
  for (let c = 0, p = 0; c < output.channels; c++) {
    for (let row = 0; row < output.height; row++) {
      for (let column = 0; column < output.width; column++) {
        const corner = (c * input.height + row * window) * line + column * window * images;
        for (let image = 0; image < images; image++, p++) {
          let place = corner + image, best = x[place];
          for (let dy = 0; dy < window; dy++) {
            for (let dx = 0, q = corner + image + dy * line; dx < window; dx++, q += images) {
              if (x[q] > best || x[q] !== x[q]) { best = x[q]; place = q; }
            }
          }
          y[p] = best;
          chosen[p] = place;
        }
      }
    }
  }
}

/** shortcut + branch: both get the whole gradient. */
export function sumJoin(shortcut, branch, room) {
  const output = maps(branch.channels, branch.height, branch.width, room), { places } = branch;
  return {
    kind: "sum", input: branch, output, parameters: [],
    forward(images) {
      const a = shortcut.values, b = branch.values, y = output.values, count = places * images;
      for (let i = 0; i < count; i++) y[i] = a[i] + b[i];
    },
    backward(images) {
      const g = output.gradient, da = shortcut.gradient, db = branch.gradient, count = places * images;
      for (let i = 0; i < count; i++) { da[i] += g[i]; db[i] += g[i]; }
    },
  };
}

/** The mean over all places of each channel. */
export function globalAverage(input, room) {
  const { channels, height, width } = input, output = maps(channels, 1, 1, room), area = height * width;
  return {
    kind: "average", input, output, parameters: [],
    forward(images) {
      const x = input.values, y = output.values;
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < images; i++) {
          let sum = 0;
          for (let p = c * area * images + i, end = (c + 1) * area * images; p < end; p += images) sum += x[p];
          y[c * images + i] = sum / area;
        }
      }
    },
    backward(images) {
      const g = output.gradient, dx = input.gradient, line = area * images;
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < line; p++) dx[c * line + p] += g[c * images + (p % images)] / area;
      }
    },
  };
}
