// Linear axes: where the ticks stand, and how they are written.

const NICE = [1, 2, 2.5, 5, 10];

/** {low, high, ticks}: about `count` round values, and bounds a little wider than the values (or around a single one). */
export function axisOf(values, count = 5, margin = 0.04) {
  const found = values.filter(Number.isFinite);
  let low = found.length ? Math.min(...found) : 0, high = found.length ? Math.max(...found) : 1;
  const pad = high > low ? (high - low) * margin : Math.max(Math.abs(low) * 0.05, 0.05);
  low -= pad;
  high += pad;
  const rough = (high - low) / count, size = 10 ** Math.floor(Math.log10(rough));
  const step = size * NICE.find((one) => one * size >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  const ticks = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  return { low, high, ticks };
}

export const tickWords = (value) => String(value).replace("-", "−");

/** Text that is safe inside SVG written as a string. */
export const escaped = (words) => String(words).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

/** About how wide this text is at 12 px. */
export const textWidth = (words) => 6.4 * String(words).length;
