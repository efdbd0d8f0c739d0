// A picture whose points can be read in words: under the mouse, by a tap, or with the arrow keys.
import { tag } from "./plot.js";

const KEYS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], Home: [0, -Infinity], End: [0, Infinity] };
const clamp = (value, length) => Math.min(Math.max(value, 0), length - 1);

/** Makes `chart` readable into `output`; `update(lines)` after each drawing, lines of points {x, y, words}. */
export function reader(chart, output, hint) {
  let lines = [], at = null;
  const point = () => (at ? lines[at[0]]?.[at[1]] : null);
  const show = () => {
    const found = point();
    chart.querySelector(".ring")?.remove();
    output.textContent = found?.words ?? hint;
    if (found) chart.querySelector("svg")?.insertAdjacentHTML("beforeend", tag("circle", { class: "ring", cx: found.x, cy: found.y, r: 7 }));
  };
  const nearest = ({ clientX, clientY }) => {
    const picture = chart.querySelector("svg"), box = picture.getBoundingClientRect();
    const zoom = picture.viewBox.baseVal.width / box.width;
    const x = (clientX - box.left) * zoom, y = (clientY - box.top) * zoom;
    let best = null, least = Infinity;
    lines.forEach((points, i) => points.forEach((one, j) => {
      const far = Math.hypot(one.x - x, one.y - y);
      if (far < least) { least = far; best = [i, j]; }
    }));
    return best;
  };
  const follow = (event) => { at = nearest(event); show(); };
  const press = (event) => {
    if (event.key === "Escape" && at) { at = null; show(); return; }
    const move = KEYS[event.key];
    if (!move || !lines.length || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const line = at ? clamp(at[0] + move[0], lines.length) : 0;
    at = [line, at ? clamp(at[1] + move[1], lines[line].length) : 0];
    show();
  };
  chart.tabIndex = 0;
  chart.setAttribute("role", "application"); // a screen reader passes the arrow keys on
  chart.setAttribute("aria-roledescription", "chart, read with the arrow keys");
  chart.addEventListener("pointermove", follow);
  chart.addEventListener("pointerdown", follow);
  chart.addEventListener("keydown", press);
  output.setAttribute("aria-live", "polite");
  return {
    update(found) {
      lines = found.filter((points) => points.length);
      if (at && !point()) at = null;
      show();
    },
  };
}

export const READER_STYLE = `
.cnnlab-card .chart { cursor: crosshair; touch-action: pan-y; border-radius: 4px; margin-top: 6px; }
.cnnlab-card .chart:focus-visible { outline: 3px solid var(--second); outline-offset: 2px; }
.cnnlab-card svg .ring { fill: none; stroke: var(--ink); stroke-width: 2; pointer-events: none; }
.cnnlab-card .reading { font-size: 14px; min-height: 1.6em; margin-top: 6px; font-variant-numeric: tabular-nums; }
@media (max-width: 600px) { .cnnlab-card .reading { min-height: 3.1em; } }
`;
