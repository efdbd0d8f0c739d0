// A net of blocks as SVG text, every way a switch that keyboard and screen reader reach; and the bars of a histogram.
import { bottomAxis, frame, svg, tag } from "./plot.js";
import { wayName, waysOf } from "./ways.js";

const BOX = 13, GAP = 5, RADIUS = 6, LANE = 34, EDGE = 14, HEAD = 16; // a row begins with a line for words

const blockWidth = (net) => (net.kind === "residual" ? 78 : 66 + net.branches * (BOX + GAP));
const rowHeight = (net) => HEAD + waysOf(net).length * LANE + 8;

/** How a way runs from the join at x to the next: its line and its layers as boxes. */
function wayShape(net, lane, layers, x, top) {
  const width = blockWidth(net), lanes = waysOf(net).length, middle = top + (lanes * LANE) / 2, end = x + width;
  const y = top + (lane + 0.5) * LANE, bend = width / 4;
  const out = x + bend / 2, back = end - bend / 2;
  const d = `M${x} ${middle}C${out} ${middle} ${out} ${y} ${x + bend} ${y}H${end - bend}C${back} ${y} ${back} ${middle} ${end} ${middle}`;
  const first = x + width / 2 - (layers * (BOX + GAP) - GAP) / 2;
  const boxes = Array.from({ length: layers }, (_, i) =>
    tag("rect", { class: "layer", x: first + i * (BOX + GAP), y: y - BOX / 2, width: BOX, height: BOX, rx: 2 }));
  const cx = x + width / 2, mark = tag("path", { class: "cut", d: `M${cx - 8} ${y - 8}l16 16m0 -16l-16 16` });
  return tag("path", { class: "reach", d }) + tag("path", { class: "way", d }) + boxes.join("") + mark;
}

function oneWay(net, block, lane, layers, x, top) {
  const name = `Block ${block}: ${wayName(net, layers)}`;
  const more = { role: "switch", tabindex: 0, "aria-label": name, "data-block": block, "data-layers": layers };
  return tag("g", { class: "switch", ...more }, wayShape(net, lane, layers, x, top));
}

const join = (x, y) => tag("circle", { class: "join", cx: x, cy: y, r: RADIUS });

/** The whole net in as many rows as the width asks for; a row that goes on below is joined to it by a thin line. */
export function netDrawing(net, width) {
  const step = blockWidth(net), across = Math.max(1, Math.floor((width - 2 * EDGE) / step)), height = rowHeight(net);
  const rows = Math.ceil(net.blocks / across), half = (waysOf(net).length * LANE) / 2;
  let out = tag("text", { x: EDGE - RADIUS, y: 12 }, "input");
  for (let row = 0; row < rows; row++) {
    const top = row * height + HEAD, middle = top + half, count = Math.min(across, net.blocks - row * across);
    const end = EDGE + count * step;
    if (row + 1 < rows) out += tag("path", { class: "carry", d: `M${end} ${middle}V${top + 2 * half + 4}H${EDGE}V${middle + height}` });
    else out += tag("text", { x: end + RADIUS, y: top - 4, "text-anchor": "end" }, "output");
    for (let i = 0; i < count; i++) {
      waysOf(net).forEach((layers, lane) => { out += oneWay(net, row * across + i + 1, lane, layers, EDGE + i * step, top); });
    }
    for (let i = 0; i <= count; i++) out += join(EDGE + i * step, middle);
  }
  const size = { width: 2 * EDGE + Math.min(across, net.blocks) * step, height: rows * height };
  return tag("svg", { role: "presentation", viewBox: `0 0 ${size.width} ${size.height}`, ...size }, out);
}

/** Bars by length for the paths that are left, before the outline of the whole net's. */
export function lengthBars(counts, whole, width) {
  const most = Math.max(...whole), last = whole.length - 1;
  const at = frame({ width, height: Math.round(Math.min(250, 150 + width * 0.15)), x: [-0.6, last + 0.6], y: [0, most * 1.12] });
  const wide = Math.min(44, ((at.right - at.left) / (last + 1.2)) * 0.78);
  const bar = (count, length, kind) => (count ? tag("rect", {
    class: kind, x: at.x(length) - wide / 2, y: at.y(count), width: wide, height: at.bottom - at.y(count),
  }) : "");
  const words = counts.map((count, length) => (count && String(count).length * 7 <= wide + 2
    ? tag("text", { x: at.x(length), y: at.y(count) - 4, "text-anchor": "middle", class: "count" }, count) : ""));
  const every = Math.ceil((last * 22) / (at.right - at.left)) || 1;
  const labels = whole.map((_, length) => [length, length]).filter(([length]) => length % every === 0);
  const base = tag("line", { class: "grid", x1: at.left, x2: at.right, y1: at.bottom, y2: at.bottom });
  return svg(at, base + whole.map((count, length) => bar(count, length, "outline")).join("")
    + counts.map((count, length) => bar(count, length, "bar")).join("") + words.join("") + bottomAxis(at, labels, "layers on the path"));
}

export const NET_STYLE = `
.cnnlab-card .hint { color: var(--muted); font-size: 13px; margin-bottom: 8px; }
.cnnlab-card.paths .verdict { margin: 14px 0 4px; }
.cnnlab-card .net-chart { margin-top: 6px; }
.cnnlab-card .switch { cursor: pointer; outline: none; }
.cnnlab-card svg .reach { stroke: transparent; stroke-width: 24; pointer-events: stroke; }
.cnnlab-card svg .way { stroke: var(--first); stroke-width: 2.2; }
.cnnlab-card svg .layer { fill: var(--first); }
.cnnlab-card svg .cut { stroke: var(--bad); stroke-width: 2; display: none; }
.cnnlab-card svg .carry { stroke: var(--edge); stroke-width: 1; stroke-dasharray: 3 3; }
.cnnlab-card svg .join { fill: var(--ground); stroke: var(--ink); stroke-width: 1.8; }
.cnnlab-card .switch[aria-checked="false"] .way { stroke: var(--edge); stroke-width: 1.4; stroke-dasharray: 3 4; }
.cnnlab-card .switch[aria-checked="false"] .layer { fill: var(--ground); stroke: var(--edge); stroke-dasharray: 2 2; }
.cnnlab-card .switch[aria-checked="false"] .cut { display: inline; }
.cnnlab-card .switch:hover .reach { stroke: var(--band); }
.cnnlab-card .switch:focus-visible .way { stroke: var(--second); stroke-width: 5; stroke-dasharray: none; }
.cnnlab-card svg .bar { fill: var(--first); }
.cnnlab-card svg .outline { fill: none; stroke: var(--edge); stroke-dasharray: 3 3; }
.cnnlab-card svg text.count { fill: var(--ink); font-size: 11px; paint-order: stroke; stroke: var(--ground); stroke-width: 3px; }
.cnnlab-card .facts { display: flex; flex-wrap: wrap; gap: 6px 26px; margin: 12px 0 0; font-size: 14px; color: var(--muted); }
.cnnlab-card .facts b { color: var(--ink); font-variant-numeric: tabular-nums; }
.cnnlab-card .meaning { color: var(--muted); font-size: 14px; margin-top: 10px; }
.cnnlab-card .verdict.trouble { border-color: var(--bad); }
.cnnlab-card.paths .controls .buttons { grid-column: 1 / -1; }
.cnnlab-card.paths figcaption { padding: 0; }
.cnnlab-card .control[hidden] { display: none; }
`;
