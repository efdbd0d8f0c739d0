// Columns in, a picture out: by depth on a logarithmic axis, and the loss by steps. Knows nothing of networks.
import { band, borders, bottomAxis, decades, frame, gridLine, line, marks, powerAxis, svg, tag } from "./plot.js";

/** Mean squares as shares: signal of the input's, gradient of the output's. */
export function relative({ activation, gradient }) {
  const last = gradient.at(-1) || 1; // 0 only where every probability is exactly right
  return { activation: activation.map((value) => value / activation[0]), gradient: gradient.map((value) => value / last) };
}

function depthLabels(depth, width) {
  const every = [1, 2, 5, 10].find((size) => (depth / size) * 30 < width - 100) ?? 25;
  const inner = Array.from({ length: depth }, (_, i) => i + 1)
    .filter((i) => i % every === 0 && i > depth * 0.08 && i < depth * 0.94);
  return [[0, "input"], ...inner.map((i) => [i, i]), [depth + 1, "out"]];
}

/** One mean square by layer: measured, predicted, and before the last change (or []). */
export function depthPanel({ values, theory, before, width, shape }) {
  const { y, step } = decades([...values, ...theory], before);
  const layers = values.map((_, i) => i), last = layers.length - 1, logs = values.map(Math.log10);
  const at = frame({ width, height: Math.round(Math.min(290, 150 + width * 0.3)), x: [0, last], y });
  const spread = before.map((_, i) => (i * last) / (before.length - 1)); // another depth, from the input to the output
  return svg(at, band(at, -1, 1) + powerAxis(at, step) + bottomAxis(at, depthLabels(last - 1, width), "layer")
    + line(at, spread, before.map(Math.log10), "before") + line(at, layers, theory.map(Math.log10), "theory")
    + line(at, layers, logs, "measured") + marks(at, layers, logs, shape) + borders(at, logs));
}

const smooth = (losses) => losses.map((_, i) => {
  const near = losses.slice(Math.max(0, i - 9), i + 1);
  return near.reduce((sum, loss) => sum + loss, 0) / near.length;
});

/** The loss of each step, its running mean, and where guessing among all classes lies. */
export function lossPanel({ losses, before, divergedAt, last, classes, width }) {
  const finite = losses.filter(Number.isFinite), guessing = Math.log(classes);
  const top = Math.min(6, Math.max(3, ...finite.map(Math.ceil)));
  const at = frame({ width, height: Math.round(Math.min(270, 130 + width * 0.27)), x: [0, last], y: [0, top] });
  const count = (list) => list.map((_, i) => i + 1);
  const grid = Array.from({ length: top + 1 }, (_, i) => gridLine(at, i, i)).join("");
  const labels = [0, 0.25, 0.5, 0.75, 1].map((part) => [part * last, part * last]);
  const guess = line(at, [0, last], [guessing, guessing], "theory")
    + label(at.right, at.y(guessing) - 6, `guessing: ln ${classes} = ${guessing.toFixed(3)}`, "end", "plain");
  const side = divergedAt > last / 2 ? "end" : "start";
  const end = divergedAt ? label(at.x(divergedAt), at.top + 18, `✕ diverged at step ${divergedAt}`, side, "border") : "";
  return svg(at, grid + bottomAxis(at, labels, "step") + line(at, count(before), smooth(before), "before") + guess
    + line(at, count(finite), finite, "raw") + line(at, count(finite), smooth(finite), "measured") + end);
}

const label = (x, y, words, anchor, kind) => tag("text", { x, y, "text-anchor": anchor, class: kind }, words);
