// Feature maps of a batch as [channel][row][column][image]. The image comes last, so that a loop over a row of a map runs
// over all its pixels of all images without a gap. A batch smaller than the largest uses the front of the same memory.

/** `channels` maps for up to `room.batch` images: their values, and the gradient of the loss by each of them. */
export function maps(channels, height, width, { batch, Values }) {
  const places = channels * height * width; // values of one image
  return {
    channels, height, width, places,
    values: new Values(places * batch),
    gradient: new Values(places * batch),
  };
}

/** Weights that are trained, in the order and with the shape of torch. */
export function parameter(shape, Values) {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, values: new Values(count), gradient: new Values(count) };
}

/** Images `rows` of a set, which lie one after the other as torch has them, into the maps of the input. */
export function fillBatch(input, images, rows) {
  const { values, places } = input, count = rows.length;
  for (let i = 0; i < count; i++) {
    const from = rows[i] * places;
    for (let place = 0, to = i; place < places; place++, to += count) values[to] = images[from + place];
  }
}
