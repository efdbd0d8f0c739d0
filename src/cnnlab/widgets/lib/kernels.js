// The picture a kernel slides over, four kernels of any side, and the sum of products. Whole numbers, so that sums are exact.
import { outSize, windowStart } from "./layer.js";

const DIGIT = 8;

export const KERNEL_NAMES = { edge: "vertical edge", blur: "blur", sharpen: "sharpen", identity: "identity" };

const WEIGHTS = {
  edge: (r, c, k) => Math.sign(2 * c - (k - 1)) * (1 + Math.min(r, k - 1 - r)), // Sobel's where k is 3
  blur: () => 1,
  sharpen: (r, c, k) => (r === k >> 1 && c === k >> 1 ? 2 * k - 1 : r === k >> 1 || c === k >> 1 ? -1 : 0),
  identity: (r, c, k) => Number(r === k >> 1 && c === k >> 1),
};

/** The named k x k kernel as whole `weights`, row after row, and the `divisor` of their sum of products. */
export function kernelOf(name, k) {
  const weights = Array.from({ length: k * k }, (_, i) => WEIGHTS[name](Math.floor(i / k), i % k, k) + 0); // -0 is 0
  return { weights, divisor: name === "blur" ? k * k : 1 };
}

/** A digit of 8 x 8 as size x size whole numbers from 0 (paper) to 16 (ink): its middle, or enlarged between the pixels. */
export function pictureOf(digit, size) {
  const at = (i) => (size <= DIGIT ? i + ((DIGIT - size) >> 1) : Math.min(Math.max(((i + 0.5) * DIGIT) / size - 0.5, 0), DIGIT - 1));
  return Array.from({ length: size * size }, (_, i) => Math.round(between(digit, at(Math.floor(i / size)), at(i % size))));
}

function between(digit, y, x) {
  const top = Math.floor(y), left = Math.floor(x), down = Math.min(top + 1, DIGIT - 1), right = Math.min(left + 1, DIGIT - 1);
  const row = (r) => digit[r * DIGIT + left] * (1 - x + left) + digit[r * DIGIT + right] * (x - left);
  return row(top) * (1 - y + top) + row(down) * (y - top);
}

/** What each weight meets at one output: [{ weight, value, inside }], the padding being zeros. */
export function products(layer, picture, kernel, [row, column]) {
  const { size, kernel_size: k, dilation } = layer;
  return kernel.weights.map((weight, i) => {
    const y = windowStart(layer, row) + Math.floor(i / k) * dilation, x = windowStart(layer, column) + (i % k) * dilation;
    const inside = Math.min(y, x) >= 0 && Math.max(y, x) < size;
    return { weight, value: inside ? picture[y * size + x] : 0, inside };
  });
}

export const sumOf = (terms) => terms.reduce((sum, { weight, value }) => sum + weight * value, 0);

/** The whole map, row after row. */
export function convolve(layer, picture, kernel) {
  const side = outSize(layer);
  return Array.from({ length: side * side }, (_, i) =>
    sumOf(products(layer, picture, kernel, [Math.floor(i / side), i % side])) / kernel.divisor);
}
