// `shapes` in the page: pictures of ten figures by the rules of cnnlab.data.shapes, with random numbers of our own.
import { generator, shuffled } from "./random.js";
import { BACKGROUND_SHADES, CANVAS, FIGURE_DISTANCES, TEXTURE_WAVES, coverage, strokeCover } from "./figures.js";

export const FIGURE_COLORS = { // red, green, blue in 0..1
  red: [0.9, 0.22, 0.27], orange: [0.96, 0.55, 0.2], yellow: [0.98, 0.82, 0.28], green: [0.28, 0.68, 0.37],
  teal: [0.13, 0.63, 0.64], blue: [0.2, 0.43, 0.86], purple: [0.53, 0.33, 0.75], pink: [0.95, 0.52, 0.7],
};
const PALETTE = Object.values(FIGURE_COLORS), CLUTTER = 5, AREA = CANVAS * CANVAS;
const DRAW_FIGURE = Object.values(FIGURE_DISTANCES), DRAW_TEXTURE = Object.values(TEXTURE_WAVES);
const DRAW_BACKGROUND = Object.values(BACKGROUND_SHADES);

/** A set of `count` pictures, 16x16x3, in the form of `digitsOf`; ten in a row show all ten figures. */
export function shapesOf(count, seed, difficulty = 0.5) {
  const uniform = generator(seed), side = CANVAS / 2, pixels = new Uint8Array(count * 3 * side * side);
  const labels = new Uint8Array(count);
  for (let i = 0, order = []; i < count; i++) {
    if (!order.length) order = shuffled(DRAW_FIGURE.length, uniform);
    const factors = drawFactors(order.pop(), difficulty, uniform);
    labels[i] = factors.shape;
    pixels.set(halved(noisy(paint(factors), factors.noise, uniform)), i * 3 * side * side);
  }
  return { pixels, labels, channels: 3, height: side, width: side, classes: DRAW_FIGURE.length };
}

/** What a picture shows: radius and place in pixels, angles in radians, and what is drawn by lot but is no factor. */
export function drawFactors(shape, d, uniform) {
  const within = (low, high) => low + (high - low) * uniform();
  const pick = (count) => Math.floor(count * uniform()), many = (count, make) => Array.from({ length: count }, make);
  const scale = within(9.5 - 2.3 * d, 12 - d), room = Math.max(CANVAS / 2 - scale - 0.5, 0) * (0.4 + 0.3 * d);
  return {
    shape, scale,
    color: pick(PALETTE.length), texture: pick(DRAW_TEXTURE.length), background: pick(DRAW_BACKGROUND.length),
    rotation: 0.19 * Math.PI * d * d * within(-1, 1),
    position: many(2, () => CANVAS / 2 + room * within(-1, 1)),
    clutter: pick(Math.round(CLUTTER * d - 1e-9) + 1), // a half is rounded down, as Python rounds 2.5
    noise: within(0, 0.1 * d * d),
    tint: many(3, () => within(-0.08, 0.08)), hue: 1 + pick(PALETTE.length - 1),
    light: uniform() < 0.5 ? 1 : 0, fade: within(0.35, 0.8), blend: 0.5 * d * uniform(),
    angle: 2 * Math.PI * uniform(), grid: many(25, uniform),
    piece: many(CLUTTER, () => many(5, uniform)), piece_color: many(CLUTTER, () => pick(PALETTE.length)),
    front: many(CLUTTER, () => uniform() < 0.5 * d * d),
  };
}

/** Background, clutter behind, the figure, clutter in front: 3x32x32 values in 0..1. */
export function paint(factors) {
  const { color, hue, tint, light, fade, blend } = factors, image = new Float64Array(3 * AREA);
  const ink = PALETTE[color].map((value, c) => Math.min(Math.max(value + tint[c], 0), 1));
  const paper = PALETTE[(color + hue) % PALETTE.length].map((value, c) => mixed(mixed(value, light, fade), ink[c], blend));
  paintBackground(image, paper, factors);
  paintStrokes(image, factors, false);
  paintFigure(image, ink, factors);
  paintStrokes(image, factors, true);
  return image;
}

const mixed = (a, b, share) => a + (b - a) * share;

function paintBackground(image, paper, { background, angle, grid }) {
  const shade = DRAW_BACKGROUND[background], cos = Math.cos(angle), sin = Math.sin(angle);
  for (let p = 0; p < AREA; p++) {
    const value = 0.85 + 0.3 * shade(p % CANVAS, Math.floor(p / CANVAS), cos, sin, grid);
    for (let c = 0; c < 3; c++) image[c * AREA + p] = paper[c] * value;
  }
}

function paintFigure(image, ink, { shape, texture, rotation, scale, position }) {
  const distance = DRAW_FIGURE[shape], pattern = DRAW_TEXTURE[texture], cos = Math.cos(rotation), sin = Math.sin(rotation);
  for (let p = 0; p < AREA; p++) {
    const dx = (p % CANVAS) + 0.5 - position[0], dy = Math.floor(p / CANVAS) + 0.5 - position[1];
    const u = (dx * cos + dy * sin) / scale, v = (dy * cos - dx * sin) / scale;
    const alpha = coverage(distance(u, v) * scale);
    if (alpha === 0) continue;
    const fill = 1 - 0.3 * pattern(u, v);
    for (let c = 0; c < 3; c++) image[c * AREA + p] = mixed(image[c * AREA + p], ink[c] * fill, alpha);
  }
}

function paintStrokes(image, { clutter, piece, piece_color: colors, front }, wanted) {
  for (let k = 0; k < clutter; k++) {
    if (front[k] !== wanted) continue;
    const shade = PALETTE[colors[k]];
    for (let p = 0; p < AREA; p++) {
      const cover = strokeCover(p % CANVAS, Math.floor(p / CANVAS), piece[k]);
      if (cover > 0) for (let c = 0; c < 3; c++) image[c * AREA + p] = mixed(image[c * AREA + p], shade[c], cover);
    }
  }
}

/** Bytes, with noise of deviation `deviation`: the sum of two uniform numbers, whose variance is 1/6. */
export function noisy(image, deviation, uniform) {
  const grain = Math.sqrt(6) * deviation;
  const bytes = new Uint8Array(image.length);
  for (let i = 0; i < bytes.length; i++) {
    const value = image[i] + grain * (uniform() + uniform() - 1);
    bytes[i] = Math.floor(Math.min(Math.max(value, 0), 1) * 255 + 0.5);
  }
  return bytes;
}

/** Half the height and width: each pixel the mean of four. */
export function halved(bytes) {
  const side = CANVAS / 2, small = new Uint8Array(bytes.length / 4);
  for (let i = 0; i < small.length; i++) {
    const x = i % side, row = Math.floor(i / side), p = 2 * row * CANVAS + 2 * x; // rows of all channels follow each other
    small[i] = Math.floor((bytes[p] + bytes[p + 1] + bytes[p + CANVAS] + bytes[p + CANVAS + 1]) / 4 + 0.5);
  }
  return small;
}
