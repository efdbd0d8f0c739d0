// Lines told apart by color and by mark: each color has a contrast of 3 : 1 or more on white and on the dark ground.
import { svg, tag } from "./plot.js";

const COLORS = ["#0b84b8", "#c8551a", "#2f8f4e", "#b3509e", "#8f7500", "#6b7a86", "#6a6fd8", "#d0455e"];
const APPEARANCES = COLORS.length; // as many as a lab has members
export const SERIES = 6; // lines that a record shows at once

const OUTLINES = [
  "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", "m0 -5l5 5l-5 5l-5 -5z", "m-3.8 -3.8h7.6v7.6h-7.6z",
  "m0 -5l4.8 8.4h-9.6z", "m0 5l4.8 -8.4h-9.6z", "m-1.6 -4.8h3.2v3.2h3.2v3.2h-3.2v3.2h-3.2v-3.2h-3.2v-3.2h3.2z",
  "m-5 -2h10v4h-10z", "m-2 -5h4v10h-4z",
];

/** The mark of series i at a point of a picture. */
export const seriesMark = (i, x, y) => tag("path", { class: "dot", d: `M${x.toFixed(1)} ${y.toFixed(1)}${OUTLINES[i % APPEARANCES]}` });

/** Content in the color of series i. */
export const inSeries = (i, content) => tag("g", { class: `series${i % APPEARANCES}` }, content);

/** A short line with the mark of series i, for a legend. */
export const swatch = (i, marked = true) => svg({ width: 26, height: 12 },
  inSeries(i, tag("path", { class: "whole", d: "M1 6h24" }) + (marked ? seriesMark(i, 13, 6) : "")));

export const SERIES_STYLE = `
${COLORS.map((color, i) => `.cnnlab-card .series${i} { --series: ${color}; }`).join("\n")}
.cnnlab-card svg path.whole { stroke-width: 2.6; }
.cnnlab-card svg path.thin { stroke-width: 1; opacity: 0.55; }
.cnnlab-card svg path.dot { fill: var(--series); stroke: var(--ground); stroke-width: 1; }
`;
