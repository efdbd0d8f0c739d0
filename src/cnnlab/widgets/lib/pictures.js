// The shipped digits in the page: unpacked, divided into two parts, standardized.
import { generator, shuffled } from "./random.js";

const DIGIT_PLACES = 64, HELD_OUT = 0.2;

/** Bytes from what `cnnlab.widgets.assemble.packed_digits` gives, zlib in base64. */
export async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The file's labels, one byte an image, then 8x8 pixels of each, 0 (paper) to 16 (ink). */
export function digitsOf(bytes) {
  const count = bytes.length / (DIGIT_PLACES + 1);
  return { pixels: bytes.subarray(count), labels: bytes.subarray(0, count), channels: 1, height: 8, width: 8, classes: 10 };
}

/** The pixels of these images, one after the other. */
export const inkOf = ({ pixels }, rows) => rows.flatMap((row) => Array.from(pixels.subarray(row * DIGIT_PLACES, (row + 1) * DIGIT_PLACES)));

/**
 * {train, heldOut}, each {images, labels}: a fifth held out by lot, in each class; pixels less the mean of the train
 * pixels, divided by their deviation, channel by channel.
 */
export function divided(set, seed, Values) {
  const count = set.labels.length, ranks = Array(set.classes).fill(0), rows = { train: [], heldOut: [] };
  for (const row of shuffled(count, generator(seed))) {
    const rank = ranks[set.labels[row]]++; // the first, sixth, ... of each class
    rows[rank % Math.round(1 / HELD_OUT) ? "train" : "heldOut"].push(row);
  }
  const moments = momentsOf(set, rows.train), { channels, height, width, classes } = set;
  const part = (chosen) => ({
    images: standardizedRows(set, chosen, moments, Values),
    labels: Uint8Array.from(chosen, (row) => set.labels[row]),
    rows: chosen, // of the set
  });
  return { channels, height, width, classes, train: part(rows.train), heldOut: part(rows.heldOut) };
}

/** Mean and standard deviation of each channel over the images `rows`. */
function momentsOf({ pixels, channels, height, width }, rows) {
  const area = height * width;
  return Array.from({ length: channels }, (_, c) => {
    let sum = 0, squares = 0;
    for (const row of rows) {
      for (let p = (row * channels + c) * area, end = p + area; p < end; p++) { sum += pixels[p]; squares += pixels[p] ** 2; }
    }
    const size = rows.length * area, mean = sum / size;
    return { mean, deviation: Math.sqrt(Math.max(squares / size - mean * mean, 1e-12)) };
  });
}

function standardizedRows({ pixels, channels, height, width }, rows, moments, Values) {
  const area = height * width, images = new Values(rows.length * channels * area);
  let to = 0;
  for (const row of rows) {
    for (let c = 0; c < channels; c++) {
      const { mean, deviation } = moments[c];
      for (let p = (row * channels + c) * area, end = p + area; p < end; p++) images[to++] = (pixels[p] - mean) / deviation;
    }
  }
  return images;
}
