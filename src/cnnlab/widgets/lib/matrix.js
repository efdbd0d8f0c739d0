// Matrices as Float32Array, row after row. A weight is (out, in), as in torch.nn.Linear.
import { normals } from "./random.js";

/** x wᵀ: x is (rows, inner), w is (columns, inner). Four columns at a time, or deep networks take twice as long. */
export function timesTransposed(x, w, rows, inner, columns) {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const at = i * inner;
    let j = 0;
    for (; j + 3 < columns; j += 4) {
      let a = 0, b = 0, c = 0, d = 0;
      let k0 = j * inner, k1 = k0 + inner, k2 = k1 + inner, k3 = k2 + inner;
      for (let k = 0; k < inner; k++) {
        const value = x[at + k];
        a += value * w[k0++]; b += value * w[k1++]; c += value * w[k2++]; d += value * w[k3++];
      }
      const o = i * columns + j;
      out[o] = a; out[o + 1] = b; out[o + 2] = c; out[o + 3] = d;
    }
    for (; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += x[at + k] * w[j * inner + k];
      out[i * columns + j] = sum;
    }
  }
  return out;
}

/** g w: g is (rows, inner), w is (inner, columns). Zeros in g, half of them under ReLU, cost nothing. */
export function times(g, w, rows, inner, columns) {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < inner; j++) addScaled(out, i * columns, w, j * columns, g[i * inner + j], columns);
  }
  return out;
}

/** gᵀ x: g is (inner, rows), x is (inner, columns). */
export function transposedTimes(g, x, inner, rows, columns) {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < inner; i++) {
    for (let j = 0; j < rows; j++) addScaled(out, j * columns, x, i * columns, g[i * rows + j], columns);
  }
  return out;
}

function addScaled(out, to, from, at, factor, count) {
  if (factor === 0) return;
  for (let k = 0; k < count; k++) out[to + k] += factor * from[at + k];
}

/** The sum of each column of g, which is (rows, columns). */
export function columnSums(g, rows, columns) {
  const sums = new Float32Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) sums[j] += g[i * columns + j];
  return sums;
}

export function meanSquare(values) {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum / values.length;
}

export function variance(values) {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return squares / values.length;
}

/** A random (rows, columns) matrix with W Wᵀ = I, or Wᵀ W = I where it is taller: Gram-Schmidt on normal numbers. */
export function orthogonal(rows, columns, uniform) {
  const length = Math.max(rows, columns);
  const vectors = [];
  while (vectors.length < Math.min(rows, columns)) {
    vectors.push(perpendicular(Float64Array.from(normals(length, 1, uniform)), vectors));
  }
  const wide = rows <= columns;
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const row = Math.floor(i / columns), column = i % columns;
    return wide ? vectors[row][column] : vectors[column][row];
  });
}

/** `vector` without its parts along `others`, of length 1. Twice, because once leaves rounding errors. */
function perpendicular(vector, others) {
  for (const other of [...others, ...others]) {
    let along = 0;
    for (let k = 0; k < vector.length; k++) along += vector[k] * other[k];
    for (let k = 0; k < vector.length; k++) vector[k] -= along * other[k];
  }
  const norm = Math.sqrt(vector.length * meanSquare(vector));
  return vector.map((value) => value / norm);
}
