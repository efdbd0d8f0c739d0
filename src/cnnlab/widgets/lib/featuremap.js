// One feature map of a gray image, as numbers and as a picture in two colors around an uncolored zero.
import { svg, tag } from "./plot.js";

export const KERNEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]; // Sobel's: brighter to the right is positive
const LEVELS = 12, GRAYS = 16;

/** A square gray image from base64 bytes, row after row. */
export function decodeImage(text) {
  const pixels = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return { pixels, side: Math.round(Math.sqrt(pixels.length)) };
}

/** The image under KERNEL, as torch's conv2d has it without padding, then standardized over the map: mean 0, std 1. */
export function edges({ pixels, side }) {
  const inner = side - 2, map = new Float64Array(inner * inner);
  for (let i = 0; i < map.length; i++) {
    const top = Math.floor(i / inner), left = i % inner;
    KERNEL.forEach((row, dy) => row.forEach((weight, dx) => { map[i] += weight * pixels[(top + dy) * side + left + dx]; }));
  }
  const mean = map.reduce((sum, v) => sum + v, 0) / map.length;
  const std = Math.sqrt(map.reduce((sum, v) => sum + (v - mean) ** 2, 0) / map.length);
  return map.map((v) => (std ? (v - mean) / std : 0)); // an image of one color has no edges
}

/** One path for each shade: squares whose `shade(value)` is the same. */
function squares(values, shade, look) {
  const side = Math.sqrt(values.length), paths = new Map();
  values.forEach((value, i) => {
    const key = shade(value);
    if (key !== 0) paths.set(key, `${paths.get(key) ?? ""}M${i % side} ${Math.floor(i / side)}h1v1h-1z`);
  });
  const drawn = [...paths].map(([key, d]) => tag("path", { d, ...look(key) })).join("");
  return tag("svg", { viewBox: `0 0 ${side} ${side}`, width: "100%", "shape-rendering": "crispEdges", "aria-hidden": "true" }, drawn);
}

const tint = (level) => ({ class: level > 0 ? "plus" : "minus", opacity: Math.round((100 * Math.abs(level)) / LEVELS) / 100 });

/** A map: the stronger the color, the farther from zero; only exact zeros have no color at all. Ends at ±limit. */
export const mapPicture = (values, limit) => squares(
  values, (v) => Math.sign(v) * Math.ceil(Math.min(1, Math.abs(v) / limit) * LEVELS), tint,
);

export const photo = ({ pixels }) => squares(Array.from(pixels), (v) => 1 + Math.floor((v * GRAYS) / 256), (level) => {
  const gray = Math.round(((level - 0.5) * 256) / GRAYS);
  return { style: `fill: rgb(${gray} ${gray} ${gray}); stroke: none` };
});

/** The scale of `mapPicture`: every level with its color, and the numbers at both ends and in the middle. */
export function colorScale(limit, width) {
  const left = 24, cell = (width - 2 * left) / (2 * LEVELS + 1), words = limit.toPrecision(2);
  const cells = Array.from({ length: 2 * LEVELS + 1 }, (_, i) => i - LEVELS).map((level) => tag("rect", {
    x: left + (level + LEVELS) * cell, y: 1, width: cell, height: 12, ...(level ? tint(level) : { class: "none" }),
  })).join("");
  const label = (x, content) => tag("text", { x, y: 28, "text-anchor": "middle" }, content);
  const frame = tag("rect", { class: "edge", x: left, y: 1, width: width - 2 * left, height: 12 });
  return svg({ width, height: 32 }, cells + frame + label(left, `−${words}`) + label(width / 2, "0") + label(width - left, `+${words}`));
}
