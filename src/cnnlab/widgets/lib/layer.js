// One convolution layer as arithmetic: sizes, what is read, costs. Names as in torch.nn.Conv2d. Knows nothing of the page.

/** How many pixels a kernel reaches over, its gaps included. */
export const span = ({ kernel_size, dilation }) => dilation * (kernel_size - 1) + 1;

const paddedSide = ({ size, padding }) => size + 2 * padding;

/** The side of the map, or 0 where the kernel fits nowhere. */
export function outSize(layer) {
  const free = paddedSide(layer) - span(layer);
  return free < 0 ? 0 : Math.floor(free / layer.stride) + 1;
}

/** Where the window of output `o` starts along one axis; negative in the padding. */
export const windowStart = ({ stride, padding }, o) => o * stride - padding;

/** Along one axis, whether any window reads each pixel of the input. */
export function readAxis(layer) {
  const read = Array(layer.size).fill(false), windows = outSize(layer);
  for (let o = 0; o < windows; o++) {
    for (let t = 0; t < layer.kernel_size; t++) {
      const i = windowStart(layer, o) + t * layer.dilation;
      if (i >= 0 && i < layer.size) read[i] = true;
    }
  }
  return read;
}

/** Pixels of the whole square that no window reads: all but rows read times columns read. */
export const unreadPixels = (layer) => layer.size ** 2 - readAxis(layer).filter(Boolean).length ** 2;

/** `count` such layers in a row: what one place sees of the input, how far the next is, and the maps that are left. */
export function stacked(layer, count) {
  let sees = 1, jump = 1;
  const maps = [layer.size];
  for (let i = 0; i < count; i++) {
    sees += (layer.kernel_size - 1) * layer.dilation * jump;
    jump *= layer.stride;
    const made = maps.at(-1) && outSize({ ...layer, size: maps.at(-1) });
    if (made || maps.at(-1)) maps.push(made); // a single 0 says where the stack ended
  }
  return { sees, jump, maps };
}

export const divides = ({ in_channels, out_channels, groups }) => in_channels % groups === 0 && out_channels % groups === 0;

const weightsOf = ({ kernel_size, in_channels, out_channels, groups }) => (kernel_size ** 2 * in_channels * out_channels) / groups;

/** Weights, biases and multiply-adds of the layer, and of a depthwise k x k with a 1 x 1 after it; null where there is none. */
export function costs(layer) {
  const { kernel_size, in_channels, out_channels } = layer, pixels = outSize(layer) ** 2;
  const weights = divides(layer) ? weightsOf(layer) : null;
  const separable = kernel_size ** 2 * in_channels + in_channels * out_channels;
  return {
    weights,
    parameters: weights && weights + out_channels,
    multiply_adds: (pixels || null) && weights && weights * pixels,
    separable_weights: separable,
    separable_multiply_adds: pixels ? separable * pixels : null,
  };
}

const alternatives = (words) => (words.length > 1 ? `${words.slice(0, -1).join(", ")} or ${words.at(-1)}` : words[0]);

/** Why the kernel fits nowhere and which single change mends it, or "". `ranges` are the limits of the controls. */
export function fitProblem(layer, ranges) {
  const { size, kernel_size: k, dilation: d, padding: p } = layer, side = paddedSide(layer), reach = span(layer);
  if (outSize(layer)) return "";
  const padding = Math.ceil((reach - size) / 2), dilation = Math.floor((side - 1) / (k - 1));
  const changes = [
    [padding <= ranges.padding[1], `padding of at least ${padding}`],
    [dilation >= 1, `dilation of at most ${dilation}`],
    [true, `a kernel of at most ${Math.floor((side - 1) / d) + 1}`],
    [reach - 2 * p <= ranges.size[1], `an input of at least ${reach - 2 * p}`],
  ];
  const gaps = d > 1 ? ` with its gaps (${d}·(${k} − 1) + 1)` : "";
  return `The kernel reaches over ${reach} pixels${gaps}, but the input with its padding has only ${side}, so there is no output. `
    + `One change is enough: ${alternatives(changes.filter(([possible]) => possible).map(([, words]) => words))}.`;
}

/** Why these groups do not go and which numbers do, or "". */
export function groupsProblem(layer) {
  const { in_channels, out_channels, groups } = layer;
  if (divides(layer)) return "";
  const wrong = [[in_channels, "in channels"], [out_channels, "out channels"]].filter(([count]) => count % groups);
  const common = Array.from({ length: Math.min(in_channels, out_channels) }, (_, i) => i + 1)
    .filter((count) => divides({ ...layer, groups: count }));
  const counts = wrong.map(([count, name]) => `${count} ${name}`).join(" and "), names = wrong.map(([, name]) => name).join(" and ");
  return `${groups} groups cannot share out ${counts} evenly. `
    + `Take ${alternatives(common)} ${common.length === 1 ? "group" : "groups"}, or multiples of ${groups} for the ${names}.`;
}
