// What `shapes` is drawn with, as cnnlab.data.figures: figures as distances, textures, backgrounds, strokes, at one point.

export const CANVAS = 32; // pixels a side; a figure's u and v are in units of its radius, v downward

const projection = (u, v, k, count) => {
  const turn = (2 * Math.PI * k) / count; // the first points down
  return u * Math.sin(turn) + v * Math.cos(turn);
};
const uprightBox = (u, v, width, height) => Math.max(Math.abs(u) - width, Math.abs(v) - height);
const lengthOf = (u, v) => Math.sqrt(u * u + v * v); // Math.hypot takes ten times as long
const clamp01 = (value) => Math.min(Math.max(value, 0), 1);

function secondSide(u, v) { // the points outside at most one of the pentagram's five lines
  let first = -Infinity, next = -Infinity;
  for (let k = 0; k < 5; k++) {
    const side = projection(u, v, k, 5);
    if (side > first) { next = first; first = side; } else if (side > next) next = side;
  }
  return next;
}

/** The distance from the edge, negative inside. */
export const FIGURE_DISTANCES = {
  circle: (u, v) => lengthOf(u, v) - 0.88,
  square: (u, v) => uprightBox(u, v, 0.76, 0.76),
  triangle: (u, v) => Math.max(...[0, 1, 2].map((k) => projection(u, v + 0.1, k, 3))) - 0.52,
  star: (u, v) => secondSide(u, v) - 0.36,
  cross: (u, v) => Math.min(uprightBox(u, v, 0.92, 0.3), uprightBox(u, v, 0.3, 0.92)),
  ring: (u, v) => Math.abs(lengthOf(u, v) - 0.7) - 0.22,
  heart(u, v) { // a square on its corner and two discs on its upper sides
    const a = Math.abs(u), b = v + 0.06;
    return Math.min((a + Math.abs(b) - 0.84) * Math.SQRT1_2, lengthOf(a - 0.42, b + 0.42) - 0.594);
  },
  moon: (u, v) => Math.max(lengthOf(u, v) - 0.95, 0.78 - lengthOf(u - 0.46, v)),
  arrow(u, v) {
    const head = Math.max(v - 0.05, (Math.abs(u) - 0.86 * v - 0.86) * 0.758);
    return Math.min(head, uprightBox(u, v - 0.42, 0.27, 0.54));
  },
  leaf: (u, v) => lengthOf(Math.abs(u) + 0.62, v) - 1.14,
};

/** A triangle wave in 0..1, flattened at both ends. */
function flatWave(x, period) {
  const phase = x / period;
  return clamp01(Math.abs((phase - Math.floor(phase)) * 2 - 1) * 3 - 1);
}

export const TEXTURE_WAVES = {
  solid: () => 0,
  stripes: (u, v) => flatWave(u + v, 0.7),
  dots: (u, v) => clamp01(flatWave(u, 0.6) * flatWave(v, 0.6) * 1.6),
  checks(u, v) {
    const a = flatWave(u, 0.9), b = flatWave(v, 0.9);
    return a + b - 2 * a * b;
  },
};

/** Of a pixel (column, row), an angle's cosine and sine, and 5x5 random numbers. */
export const BACKGROUND_SHADES = {
  plain: () => 0.5,
  gradient: (x, y, cos, sin) => ((x + 0.5 - CANVAS / 2) * cos + (y + 0.5 - CANVAS / 2) * sin) / CANVAS + 0.5,
  clouds(x, y, cos, sin, grid) { // joined by straight lines
    const a = (4 * x) / CANVAS, b = (4 * y) / CANVAS, i = Math.floor(a), j = Math.floor(b);
    const along = (row) => grid[5 * row + i] + (grid[5 * row + i + 1] - grid[5 * row + i]) * (a - i);
    return along(j) + (along(j + 1) - along(j)) * (b - j);
  },
  bands: (x, y, cos, sin) => flatWave((x + 0.5) * cos + (y + 0.5) * sin, 7),
};

/** How much of a pixel lies inside, from the distance of its center in pixels: smooth edges. */
export const coverage = (distance) => clamp01(0.5 - distance);

/** The cover of pixel (x, y) by a stroke of five numbers in 0..1: place (2), angle, length, width. */
export function strokeCover(x, y, [left, top, angle, length, width]) {
  const cos = Math.cos(Math.PI * angle), sin = Math.sin(Math.PI * angle);
  const dx = x + 0.5 - CANVAS * left, dy = y + 0.5 - CANVAS * top;
  const u = Math.max(Math.abs(dx * cos + dy * sin) - 4 * length, 0);
  return clamp01(0.5 - lengthOf(u, dy * cos - dx * sin) + 1.2 * width + 0.6);
}
