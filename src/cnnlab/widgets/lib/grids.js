// Grids of cells as SVG text: the padded input with its window, the kernel, the output, which channels meet.
import { svg, tag } from "./plot.js";
import { outSize, readAxis, span, windowStart } from "./layer.js";

const READABLE = 20; // pixels of a cell from which a number fits into it
const FAINT = 0.4; // ink behind a number, at most

/** At most one decimal, with a real minus sign. */
export const figureOf = (value) => String(Math.round(value * 10) / 10 || 0).replace("-", "−");

const box = (x, y, side, kind, more = {}) => tag("rect", { class: kind, x: x + 0.5, y: y + 0.5, width: side - 1, height: side - 1, ...more });

const number = (x, y, cell, words) => (cell < READABLE ? ""
  : tag("text", { x: x + cell / 2, y: y + cell / 2 + 3.5, "text-anchor": "middle", class: words.length > 3 ? "digit small" : "digit" }, words));

const shade = (share, cell) => (share * (cell < READABLE ? 1 : FAINT)).toFixed(3);

const cross = (x, y, cell) => {
  const inner = Math.max(cell - 6, 3), edge = (cell - inner) / 2;
  return tag("path", { class: "unread", d: `M${x + edge} ${y + edge}l${inner} ${inner}m${-inner} 0l${inner} ${-inner}` });
};

/** The cells of the input and of its padding, with a cross where no window reads. */
function inputCells(layer, picture, cell) {
  const { size, padding } = layer, side = size + 2 * padding;
  const read = outSize(layer) ? readAxis(layer) : Array(size).fill(true); // without an output a cross says nothing
  return Array.from({ length: side * side }, (_, i) => {
    const row = Math.floor(i / side) - padding, column = (i % side) - padding;
    const x = (column + padding) * cell, y = (row + padding) * cell;
    if (Math.min(row, column) < 0 || Math.max(row, column) >= size) return box(x, y, cell, "pad");
    const value = picture[row * size + column];
    return box(x, y, cell, "cell") + (value ? box(x, y, cell, "ink", { opacity: shade(value / 16, cell) }) : "")
      + number(x, y, cell, String(value)) + (read[row] && read[column] ? "" : cross(x, y, cell));
  }).join("");
}

/** What slides: a frame around the window and one around each pixel that a weight meets. Stands at the first output. */
function windowFrames(layer, cell) {
  const { kernel_size: k, dilation } = layer;
  const taps = Array.from({ length: k * k }, (_, i) => box((i % k) * dilation * cell, Math.floor(i / k) * dilation * cell, cell, "tap"));
  const reach = span(layer) * cell;
  return tag("g", { class: "window" }, taps.join("") + box(0, 0, reach, "frame"));
}

export function inputGrid(layer, picture, cell) {
  const side = Math.max(layer.size + 2 * layer.padding, span(layer)) * cell; // a window that does not fit hangs out
  return svg({ width: side, height: side }, inputCells(layer, picture, cell) + windowFrames(layer, cell));
}

/** Where to move the frames for the output at (row, column). */
export const windowShift = (layer, [row, column], cell) =>
  `translate(${(windowStart(layer, column) + layer.padding) * cell}px, ${(windowStart(layer, row) + layer.padding) * cell}px)`;

export function kernelGrid(kernel, k, cell) {
  const most = Math.max(...kernel.weights.map(Math.abs), 1), side = k * cell;
  const cells = kernel.weights.map((weight, i) => valueCell((i % k) * cell, Math.floor(i / k) * cell, cell, weight, most));
  return svg({ width: side, height: side }, cells.join(""));
}

function valueCell(x, y, cell, value, most) {
  const ink = value ? box(x, y, cell, value < 0 ? "minus" : "plus", { opacity: shade(Math.abs(value) / most, cell) }) : "";
  return tag("g", { class: "place" }, box(x, y, cell, "cell") + ink + number(x, y, cell, figureOf(value)));
}

/** The map; each cell is a group "place", in order. */
export function outputGrid(values, side, cell) {
  const most = Math.max(...values.map(Math.abs), 1), width = side * cell;
  const cells = values.map((value, i) => valueCell((i % side) * cell, Math.floor(i / side) * cell, cell, value, most));
  return svg({ width, height: width }, cells.join("") + tag("g", { class: "window" }, box(0, 0, cell, "frame")));
}

/** A row for each output channel, a column for each input channel; filled where the one reads the other. */
export function channelGrid({ in_channels: into, out_channels: out, groups }, valid) {
  const cell = Math.min(12, Math.floor(120 / Math.max(into, out)));
  const group = (channel, count) => Math.floor((channel * groups) / count);
  const cells = Array.from({ length: into * out }, (_, i) => {
    const column = i % into, row = Math.floor(i / into);
    const meets = valid && group(column, into) === group(row, out);
    return box(column * cell, row * cell, cell, meets ? "cell meets" : "cell");
  });
  return svg({ width: into * cell, height: out * cell }, cells.join(""));
}
