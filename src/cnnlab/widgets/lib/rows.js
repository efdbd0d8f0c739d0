// A row a level: each seed a dot, a mean with its bar above them, the numbers at the right. Numbers in, SVG text out.
import { svg, tag } from "./plot.js";
import { axisOf, escaped, textWidth, tickWords } from "./scale.js";

const ROW = 30, LABEL = 15, HEADING = 22, FOOT = 40;

const words = (x, y, content, more = {}) => tag("text", { x: x.toFixed(1), y, ...more }, escaped(content));

/** The dots, bar and numbers of one row, and its points to read. */
function rowOf(row, y, x, { left, right, above }) {
  const label = above ? words(4, y - 14, row.label, { class: "level" }) : words(left - 8, y + 4, row.label, { "text-anchor": "end", class: "level" });
  let out = label + words(right + 8, y + 4, row.text);
  const points = [];
  if (Number.isFinite(row.center)) {
    const from = x(row.center - row.half), to = x(row.center + row.half), high = y - 5;
    if (row.half > 0) out += tag("path", { class: "bar", d: `M${from} ${high}H${to}M${from} ${high - 4}v8M${to} ${high - 4}v8` });
    out += tag("circle", { class: `mark${row.open ? " open" : ""}`, cx: x(row.center), cy: high, r: 4.2 });
    points.push({ x: x(row.center), y: high, words: row.words });
  } else {
    points.push({ x: left + 8, y: y - 5, words: row.words });
    out += tag("path", { class: "mark cross", d: `M${left + 4} ${y - 9}l8 8m-8 0l8 -8` });
  }
  row.dots.filter(({ value }) => Number.isFinite(value)).forEach((dot) => {
    const at = x(dot.value), low = y + 7;
    out += dot.crossed ? tag("path", { class: "mark cross", d: `M${at - 3} ${low - 3}l6 6m-6 0l6 -6` })
      : tag("circle", { class: "seed", cx: at, cy: low, r: 2.6 });
    points.push({ x: at, y: low, words: dot.words });
  });
  return { out: tag("g", { class: row.open ? "muted" : "" }, out), points };
}

// {picture, lines}: rows {label, heading, text, center, half, open, dots: [{value, crossed, words}], words}; `mark` is
// {value, always}, a dashed line, left out where it would squeeze the rest; `name` is that of the axis.
export function rowsPanel({ rows, mark, name, width }) {
  const wanted = 14 + Math.max(...rows.map((row) => textWidth(row.label))), above = wanted > width * 0.42;
  const left = above ? 10 : wanted; // long names stand above their rows
  const right = width - 12 - Math.max(...rows.map((row) => textWidth(row.text)));
  const seen = rows.flatMap((row) => [row.center - row.half, row.center + row.half, row.center, ...row.dots.map(({ value }) => value)]);
  const marked = mark && (mark.always || !(mark.value < axisOf(seen).low)) ? mark : null;
  const axis = axisOf(marked ? [...seen, marked.value] : seen, Math.max(3, (right - left) / 45));
  const x = (value) => Math.round((left + ((value - axis.low) / (axis.high - axis.low)) * (right - left)) * 10) / 10;
  let y = 4, out = "";
  const lines = [];
  rows.forEach((row) => {
    if (row.heading) out += words(4, (y += HEADING) - 4, row.heading, { class: "heading" });
    if (above) y += LABEL;
    const { out: drawn, points } = rowOf(row, y + ROW / 2, x, { left, right, above });
    out += drawn;
    lines.push(points);
    y += ROW;
  });
  const grid = axis.ticks.map((tick) => tag("line", { class: "grid", x1: x(tick), x2: x(tick), y1: 4, y2: y })
    + words(x(tick), y + 15, tickWords(tick), { "text-anchor": "middle" })).join("");
  const dashed = marked ? tag("path", { class: "theory", d: `M${x(marked.value)} 4V${y}` }) : "";
  const foot = words(above ? width / 2 : (left + right) / 2, y + 33, name, { "text-anchor": "middle" });
  return { picture: svg({ width, height: y + FOOT }, grid + dashed + out + foot), lines, marked: Boolean(marked) };
}

export const ROWS_STYLE = `
.cnnlab-card svg text.level { fill: var(--ink); }
.cnnlab-card svg text.heading { fill: var(--ink); font-weight: 650; }
.cnnlab-card svg path.bar { stroke: var(--series); stroke-width: 2; }
.cnnlab-card svg .seed { fill: var(--series); opacity: 0.6; }
.cnnlab-card svg .muted { --series: var(--edge); }
`;
