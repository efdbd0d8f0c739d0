// The numbers of a convolution layer, each with its formula filled in, and its findings in words.
import { divides, span, stacked } from "./layer.js";
import { figureOf } from "./grids.js";

const counted = (value) => (value === null ? "—" : value.toLocaleString("en-US"));
const percent = (part) => (100 * part).toPrecision(part < 0.1 ? 2 : 3);
const share = (part, whole) => (part / whole < 1 ? `${percent(part / whole)} %` : `${(part / whole).toPrecision(3)} times`);

/** "3 × 3 kernel with stride 2" and whatever else is not the default. */
function layerWords({ kernel_size: k, stride, padding, dilation }) {
  const more = [[stride > 1, `stride ${stride}`], [padding, `padding ${padding}`], [dilation > 1, `dilation ${dilation}`]];
  const said = more.filter(([shown]) => shown).map(([, words]) => words);
  return `${k} × ${k} kernel${said.length ? ` with ${said.join(", ")}` : ""}`;
}

function mapsLeft(layer) {
  const { maps } = stacked(layer, layer.layers);
  const ends = maps.at(-1) === 0 ? `; layer ${maps.length - 1} no longer fits` : "";
  return `maps ${maps.filter(Boolean).join(" → ")}${ends}`;
}

/** [[name, formula with its numbers, value], ...]; a dash where the settings do not go. */
export function formulas(layer, numbers) {
  const { size: n, kernel_size: k, stride: s, padding: p, dilation: d, in_channels: c, out_channels: o, groups: g, layers } = layer;
  const side = numbers.output_size, valid = divides(layer), weights = valid ? (k * k * c * o) / g : null;
  const input = g > 1 ? `(${c} / ${g})` : c, free = n + 2 * p - span(layer);
  const deeper = layers > 1 ? `, jump ${numbers.jump}; ${mapsLeft(layer)}` : "";
  const jumps = Array.from({ length: layers }, (_, i) => s ** i).join(" + ");
  const factor = layers === 1 ? "" : s === 1 ? `·${layers}` : `·(${jumps})`;
  const sees = `${d}·(${k} − 1)${factor} + 1`, over = (product) => (side ? `${product}·${side}²` : "no output");
  const pair = valid ? `, ${share(numbers.separable_weights, weights)} of this layer's` : "";
  return [
    ["Output side",
      `⌊(${n} + 2·${p} − ${d}·(${k} − 1) − 1) / ${s}⌋ + 1 = ⌊${free} / ${s}⌋ + 1`.replaceAll("-", "−"), side ? `${side}` : "—"],
    ["Pixels no window reads", `of ${n}² = ${n * n}`, side ? `${numbers.unread}` : "—"],
    [`Receptive field${layers > 1 ? ` of ${layers} layers` : ""}`, sees + deeper, `${numbers.receptive_field} × ${numbers.receptive_field}`],
    ["Parameters", `${k}²·${input}·${o} + ${o} biases`, counted(numbers.parameters)],
    ["Multiply-adds", over(`${k}²·${input}·${o}`), counted(numbers.multiply_adds)],
    ["Depthwise + 1 × 1: weights", `${k}²·${c} + ${c}·${o}${pair}`, counted(numbers.separable_weights)],
    ["Depthwise + 1 × 1: multiply-adds", over(`(${k}²·${c} + ${c}·${o})`), counted(numbers.separable_multiply_adds)],
  ];
}

/** What the layer does to the map, in a sentence or two. */
export function mapWords(layer, { output_size: side, unread }) {
  const { size } = layer;
  const change = side === size ? "as large as the input" : side > size ? `${side - size} larger on each side than the input`
    : `${percent((side / size) ** 2)} % of the input's pixels`;
  const reading = unread ? `${unread} of the ${size * size} pixels are never read: nothing in them can change the output.` : "Every pixel is read.";
  return `A ${layerWords(layer)} makes a map of ${side} × ${side}, ${change}. ${reading}`;
}

/** The sum of products as lines, one for each row of the kernel, and its value. */
export function sumLines(terms, k, divisor, sum) {
  const word = ({ weight, value }, first) => `${weight < 0 ? (first ? "−" : "− ") : first ? "" : "+ "}${Math.abs(weight)}·${value}`;
  const rows = Array.from({ length: k }, (_, r) => terms.slice(r * k, r * k + k).map((term, i) => word(term, !r && !i)).join(" "));
  const sign = Number.isInteger((10 * sum) / divisor) ? "=" : "≈"; // cells show one decimal
  const end = divisor > 1 ? `= ${figureOf(sum)} / ${divisor} ${sign} ${figureOf(sum / divisor)}` : `= ${figureOf(sum)}`;
  return [...rows, end];
}
