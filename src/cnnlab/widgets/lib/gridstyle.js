// The look of grids of cells, beside that of every widget.
import { svg, tag } from "./plot.js";

const sample = (kind, more = "") => svg({ width: 14, height: 14 }, tag("rect", { class: kind, x: 0.5, y: 0.5, width: 13, height: 13 }) + more);

export const LEGEND = `<span>${sample("tap")}what a weight meets</span><span>${sample("pad")}padding: zeros</span>`
  + `<span>${sample("cell", tag("path", { class: "unread", d: "M3 3l8 8m-8 0l8 -8" }))}never read</span>`
  + `<span>${sample("plus")}above 0</span><span>${sample("minus")}below 0</span>`;

export const GRID_STYLE = `
.cnnlab-card.convolution .verdict { margin: 16px 0 0; }
.cnnlab-card .verdict.trouble { border-color: var(--bad); }
.cnnlab-card .stage { display: flex; flex-wrap: wrap; gap: 16px 28px; margin-top: 16px; align-items: start; }
.cnnlab-card .stage > div { display: grid; gap: 14px; min-width: 144px; }
.cnnlab-card .stage figcaption { margin-bottom: 6px; padding: 0; }
.cnnlab-card.convolution .controls { grid-template-columns: repeat(auto-fit, minmax(min(130px, 45%), 1fr)); }
.cnnlab-card .grid-chart { width: fit-content; max-width: 100%; }
.cnnlab-card .grid-chart[tabindex] { cursor: crosshair; }
.cnnlab-card .grid-chart:focus-visible { outline: 3px solid var(--second); outline-offset: 3px; }
.cnnlab-card .grid-chart .none { width: 104px; height: 104px; display: grid; place-content: center; border: 1px dashed var(--edge); color: var(--muted); font-size: 13px; }
.cnnlab-card svg .cell { fill: var(--ground); stroke: var(--line); }
.cnnlab-card svg .pad { fill: none; stroke: var(--edge); stroke-dasharray: 2 2; opacity: 0.7; }
.cnnlab-card svg rect.ink { fill: var(--ink); }
.cnnlab-card svg .plus, .cnnlab-card svg .meets { fill: var(--first); }
.cnnlab-card svg .minus { fill: var(--second); }
.cnnlab-card svg .unread { stroke: var(--bad); stroke-width: 1.3; opacity: 0.8; }
.cnnlab-card svg .tap { fill: var(--band); stroke: var(--first); stroke-width: 1.4; }
.cnnlab-card svg .frame { fill: none; stroke: var(--first); stroke-width: 2.6; }
.cnnlab-card svg .later { opacity: 0.12; }
.cnnlab-card svg text.digit { fill: var(--ink); font-size: 10.5px; }
.cnnlab-card svg text.small { font-size: 9px; }
.cnnlab-card .desk .buttons { margin-top: 14px; }
.cnnlab-card .desk button:disabled { opacity: 0.45; cursor: default; }
.cnnlab-card .desk .status { font-weight: 600; font-variant-numeric: tabular-nums; }
.cnnlab-card .sum { font: 13px/1.6 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; margin-top: 10px; min-height: 6.5em; color: var(--ink); }
.cnnlab-card .sum span { display: block; }
.cnnlab-card .sum span:last-child { font-weight: 700; }
.cnnlab-card .note { color: var(--muted); font-size: 13px; margin-top: 8px; }
.cnnlab-card .stack { border-top: 1px solid var(--line); margin-top: 14px; padding-top: 14px; }
.cnnlab-card .stack .control { max-width: 260px; }
.cnnlab-card .numbers { margin-top: 10px; font-size: 14px; font-variant-numeric: tabular-nums; }
.cnnlab-card .numbers > div { display: grid; grid-template-columns: minmax(90px, 27%) 1fr auto; gap: 4px 14px; padding: 6px 0; border-top: 1px solid var(--line); }
.cnnlab-card .numbers .formula { color: var(--muted); }
.cnnlab-card .numbers b { text-align: right; }
@media (max-width: 600px) {
  .cnnlab-card .stage > div { display: flex; flex-wrap: wrap; gap: 14px 28px; }
  .cnnlab-card .numbers > div { grid-template-columns: 1fr auto; gap: 0 14px; }
  .cnnlab-card .numbers .formula { grid-row: 2; grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: no-preference) { .cnnlab-card svg .window { transition: transform 60ms linear; } }
`;
