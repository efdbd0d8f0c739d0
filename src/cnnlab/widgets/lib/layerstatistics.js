// What a pass through the net leaves behind, layer by layer.

/**
 * For each convolution and the linear layer, of the last forward and backward pass: `signal`, the mean square of what it
 * gives out; `gradient`, that of each image's own loss by it; `silent`, the share of its channels whose activation is 0
 * for every image and place (null without an activation).
 */
export function layerStatistics({ layers }, images) {
  const found = [];
  layers.forEach(({ kind, output: { channels, places, values, gradient } }) => {
    const count = places * images;
    if (kind === "convolution" || kind === "linear") {
      const signal = meanOfSquares(values, count), own = images ** 2 * meanOfSquares(gradient, count);
      found.push({ signal, gradient: own, silent: null });
    }
    if (kind === "activation") found.at(-1).silent = silentShare(values, channels, count / channels);
  });
  return found;
}

function meanOfSquares(values, count) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i] * values[i];
  return sum / count;
}

function silentShare(values, channels, size) {
  let silent = 0;
  for (let c = 0; c < channels; c++) {
    let p = c * size;
    const end = p + size;
    while (p < end && values[p] === 0) p++;
    if (p === end) silent++;
  }
  return silent / channels;
}

/** The first convolution's filters over the first channel, a list of weights row by row each. */
export function filtersOf({ layers }) {
  const { weight: { shape: [filters, channels, height, width], values } } = layers.find(({ kind }) => kind === "convolution");
  const area = height * width;
  return Array.from({ length: filters }, (_, k) => Array.from(values.subarray(k * channels * area, (k * channels) * area + area)));
}
