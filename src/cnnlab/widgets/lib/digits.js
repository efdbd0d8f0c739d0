// The held-out digits as one picture, with a frame around each wrong answer.
import { tag } from "./plot.js";

const SIDE = 8, CELL = 11, ACROSS = 16;

const corner = (image) => [CELL * (image % ACROSS) + 1.5, CELL * Math.floor(image / ACROSS) + 1.5];

/** One path for each of 16 shades of ink, and an empty group for the frames. */
export function digitSheet(ink) {
  const shades = Array(17).fill("");
  ink.forEach((shade, i) => {
    const pixel = i % SIDE ** 2, [left, top] = corner(Math.floor(i / SIDE ** 2));
    if (shade) shades[shade] += `M${left + (pixel % SIDE)} ${top + Math.floor(pixel / SIDE)}h1v1h-1z`;
  });
  const rows = Math.ceil(ink.length / SIDE ** 2 / ACROSS);
  const paths = shades.map((d, shade) => d && tag("path", { class: "ink", d, opacity: shade / 16 })).join("");
  return tag("svg", { viewBox: `0 0 ${CELL * ACROSS} ${CELL * rows}`, width: "100%", "aria-hidden": "true" }, `${paths}<g></g>`);
}

export const frames = (wrong) => wrong.map(corner)
  .map(([x, y]) => tag("rect", { class: "wrong", x: x - 0.8, y: y - 0.8, width: 9.6, height: 9.6, rx: 1 })).join("");
