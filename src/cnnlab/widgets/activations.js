// Activation explorer: one function of one number, its derivative, and what both do to an input and to an image.
import { follow, putInto } from "./lib/follow.js";
import { CURVE_REACH, chainChart, curveChart, jump, spreadChart } from "./lib/response.js";
import { POINTWISE, unitOf } from "./lib/pointwise.js";
import { chain, respond, shares } from "./lib/normal.js";
import { chainWords, decimal, percent, rows, sentence, setting } from "./lib/findings.js";
import { KERNEL, colorScale, decodeImage, edges, mapPicture, photo } from "./lib/featuremap.js";
import { svg, tag } from "./lib/plot.js";
import { button, make, select, slider } from "./lib/controls.js";
import { EXPLORER_STYLE } from "./lib/explorer.js";
import { styleOf } from "./lib/style.js";

const SETTINGS = ["activation", "mean", "std", "parameters", "pinned"];
const NAMES = Object.fromEntries(Object.entries(POINTWISE).map(([key, { name, label }]) => [key, label ?? name]));

function panel(kind, name, what) {
  const chart = make("div", { className: "chart" }), more = make("span", { textContent: what });
  chart.setAttribute("role", "img");
  const caption = make("figcaption", {}, make("b", { textContent: name }), more);
  return { element: make("figure", { className: kind }, caption, chart), chart, more };
}

const sample = (kind, series) => svg({ width: 26, height: 12 }, tag("g", { class: series }, tag("path", { class: kind, d: "M1 6h24" })));
const swatch = (kind) => svg({ width: 16, height: 12 }, tag("g", { class: "first" }, tag("path", { class: kind, d: "M1 1h14v10h-14z" })));
const entry = (picture, words) => `<span>${picture}${words}</span>`;

/** All elements of one view; `set({name: value})` is called by the controls. */
function build(set, pin, reset) {
  const controls = {
    activation: select("Activation", NAMES, (activation) => set({ activation, parameters: {} })),
    mean: slider("Input mean", { min: -3, max: 3, step: 0.1, format: (v) => decimal(v, 1) }, (mean) => set({ mean })),
    std: slider("Input std", { min: 0.1, max: 4, step: 0.1, format: (v) => decimal(v, 1) }, (std) => set({ std })),
  };
  const panels = {
    curve: panel("", "Function and derivative", ""), spread: panel("", "A normal input, before and after", ""),
    chain: panel("", "Ten layers in a row", "mean squares; weights of variance 1 / fan-in, which alone would keep both at 1"),
    photo: panel("", "Image", ""), before: panel("", "Before", ""), after: panel("", "After", ""),
  };
  const parts = {
    parameters: make("div", { className: "own" }), verdict: make("p", { className: "verdict" }), readout: make("p", { className: "readout" }),
    curveLegend: make("div", { className: "legend" }), spreadLegend: make("div", { className: "legend" }), chainLegend: make("div", { className: "legend" }),
    table: make("table"), ten: make("p", { className: "ten" }), scale: make("div", { className: "scale" }), pinButton: button("", pin),
  };
  parts.verdict.setAttribute("aria-live", "polite");
  panels.curve.element.append(parts.curveLegend, parts.readout);
  panels.spread.element.append(parts.spreadLegend);
  panels.chain.element.append(parts.chainLegend);
  panels.curve.chart.tabIndex = 0;
  panels.curve.chart.setAttribute("role", "slider");
  const look = make("p", { className: "look" }, make("b", { textContent: "What to look for. " }),
    "Where the curve is flat nothing comes back, and where it is zero nothing goes on: move the input along it and see which numbers change.");
  const numbers = make("figure", {}, make("figcaption", {}, make("b", { textContent: "Numbers" }), make("span", { textContent: "of the normal input and of what comes out" })), parts.table, parts.ten);
  const maps = make("div", { className: "maps" }, panels.photo.element, panels.before.element, panels.after.element);
  const card = make("section", { className: "cnnlab-card activations" }, styleOf("activations", EXPLORER_STYLE), look,
    make("div", { className: "controls" }, controls.activation.element, parts.parameters, controls.mean.element, controls.std.element),
    make("div", { className: "buttons" }, parts.pinButton, button("Reset", reset)), parts.verdict,
    make("div", { className: "panels" }, panels.curve.element, panels.spread.element, numbers, panels.chain.element), maps, parts.scale);
  card.setAttribute("aria-label", "Activation explorer");
  card.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys
  return { card, controls, panels, ...parts };
}

/** The sliders of the chosen activation, made anew when it changes. */
function buildParameters(view, { parameters }, set) {
  const sliders = Object.entries(parameters).map(([key, { label, min, max, step }]) => {
    const digits = step < 0.1 ? 2 : 1, format = (value) => decimal(value, digits);
    return [key, slider(label, { min, max, step, format }, (value) => set(key, value))];
  });
  view.parameters.replaceChildren(...sliders.map(([, { element }]) => element));
  return Object.fromEntries(sliders);
}

/** One parameter moved; the smallest divisor takes the largest along, and the other way round. */
function settle(settled, key, value) {
  const next = { ...settled, [key]: value };
  if (next.lower > next.upper) next[key === "lower" ? "upper" : "lower"] = value;
  return next;
}

/** What is at x, as text: torch's derivative, and both sides of a kink. */
function readingWords(unit, x) {
  const sides = jump(unit, x);
  return `x = ${decimal(x)}:  f(x) = ${decimal(unit.value(x), 3)},  f′(x) = ${decimal(unit.slope(x), 3)}`
    + (sides ? ` (torch's choice at this kink: ${decimal(sides[0])} on its left, ${decimal(sides[1])} on its right)` : "");
}

function drawReading(view, { unit, pinned, mean, std, x }) {
  const { chart } = view.panels.curve, words = readingWords(unit, x);
  chart.innerHTML = curveChart({ unit, pinned, mean, std, x, width: chart.clientWidth || 480 });
  view.readout.textContent = words;
  const state = { valuemin: -CURVE_REACH, valuemax: CURVE_REACH, valuenow: x, valuetext: words };
  Object.entries(state).forEach(([name, value]) => chart.setAttribute(`aria-${name}`, value));
}

function drawCharts(view, state) {
  const { unit, pinned, mean, std, found, layers } = state, { curve, spread, chain: ten } = view.panels;
  drawReading(view, state);
  curve.more.textContent = `f(x) = ${unit.formula}${unit.note ? `; ${unit.note}` : ""}`;
  curve.chart.setAttribute("aria-label", `Curve of ${unit.name} and of its derivative; arrow keys read it`);
  spread.more.textContent = "share of the numbers in each of 62 bins";
  spread.chart.innerHTML = spreadChart({ unit, pinned, mean, std, zeros: found.zeros, width: spread.chart.clientWidth || 480 });
  spread.chart.setAttribute("aria-label", `Histogram: input of mean ${setting(mean)} and std ${setting(std)}; output of mean ${decimal(found.mean)} `
    + `and std ${decimal(Math.sqrt(found.variance))}, ${percent(found.zeros)} exactly 0.`);
  ten.chart.innerHTML = chainChart({ ...layers, width: ten.chart.clientWidth || 480 });
  ten.chart.setAttribute("aria-label", `Line chart on a logarithmic scale: ${chainWords(layers.now)}`);
  view.ten.textContent = chainWords(layers.now);
}

function drawWords(view, { unit, pinned, mean, std, found, foundPinned }) {
  view.verdict.textContent = sentence(unit.name, mean, std, found);
  view.pinButton.textContent = pinned ? `Unpin ${pinned.name}` : `Pin ${unit.name}`;
  const old = pinned ? entry(sample("quiet", "first"), `pinned: ${pinned.name}`) : "";
  view.curveLegend.innerHTML = entry(sample("curve", "first"), "f(x)") + entry(sample("slope", "second"), "f′(x), the derivative") + old
    + entry(swatch("hill"), "where the input lies") + (unit.fan.length ? entry(swatch("fan"), "drawn in training") : "");
  view.spreadLegend.innerHTML = entry(sample("input", ""), "input") + entry(swatch("bars"), "output") + old;
  view.chainLegend.innerHTML = entry(sample("curve", "first"), "signal, from the input on") + entry(sample("curve", "second"), "gradient, from layer 10 back") + old;
  const now = rows(mean, std, found), before = pinned && rows(mean, std, foundPinned);
  const head = ["", "input", unit.name, ...(pinned ? [`${pinned.name}, pinned`] : [])].map((name) => (name ? `<th scope="col">${name}</th>` : "<td></td>"));
  const body = now.map(([name, input, output], i) => `<tr><th scope="row">${name}</th><td>${input}</td><td>${output}</td>${before ? `<td class="old">${before[i][2]}</td>` : ""}</tr>`);
  view.table.innerHTML = `<thead><tr>${head.join("")}</tr></thead><tbody>${body.join("")}</tbody>`;
}

/** Share of exact zeros in a map. */
const blank = (values) => values.filter((value) => value === 0).length / values.length;

function drawMaps(view, { unit, mean, std, image, map }) {
  const before = Array.from(map, (v) => mean + std * v), after = before.map(unit.value);
  const limit = Math.max(0.1, 2.5 * std + Math.abs(mean)), { photo: first, before: second, after: third } = view.panels;
  first.chart.innerHTML = photo(image);
  first.more.textContent = `${image.side} × ${image.side}, gray`;
  first.chart.setAttribute("aria-label", "The gray image that is filtered");
  [[second, before, "edges"], [third, after, unit.name]].forEach(([{ chart, more }, values, what]) => {
    chart.innerHTML = mapPicture(values, limit);
    more.textContent = `${what}: ${percent(blank(values))} of the pixels are exactly 0`;
    chart.setAttribute("aria-label", `Feature map, ${more.textContent}; values from ${decimal(Math.min(...values))} to ${decimal(Math.max(...values))}.`);
  });
  const width = Math.min(320, view.scale.clientWidth || 320);
  view.scale.innerHTML = `${colorScale(limit, width)}<p>Color of a pixel; only an exact 0 has none, and beyond the ends it grows no stronger. The filter is `
    + `[${KERNEL.map((row) => row.join(" ").replaceAll("-", "−")).join("; ")}], its output standardized, then given the mean and deviation above.</p>`;
}

const KEYS = { ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1, PageDown: -1, PageUp: 1, Home: -Infinity, End: Infinity };

/** Mouse, touch and arrow keys on `chart` call `move` with x. */
function readable(chart, current, move) {
  const put = (x) => move(Math.min(CURVE_REACH, Math.max(-CURVE_REACH, Math.round(x * 20) / 20)));
  const point = ({ clientX }) => {
    const { left, width } = chart.getBoundingClientRect();
    put(((clientX - left - 46) / (width - 60)) * 2 * CURVE_REACH - CURVE_REACH); // 46 and 14: the margins of a chart
  };
  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    put(current() + KEYS[event.key]);
  });
}

/** Everything a view shows of these settings. */
function results({ activation, parameters, pinned: { activation: held, parameters: kept }, mean, std }) {
  const unit = unitOf(activation, parameters), pinned = held ? unitOf(held, kept) : null;
  return {
    unit, pinned, mean, std, found: respond(unit, mean, std), foundPinned: pinned && respond(pinned, mean, std),
    layers: { now: chain(unit, mean, std), old: pinned && chain(pinned, mean, std) },
  };
}

/** Keeps one view in step with the model's traits. */
function render({ model, el }) {
  const state = { x: -1 };
  let shown = "", sliders = {}, source = null;
  const put = putInto(model);
  const current = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  const beginning = current();
  const pin = () => put({ pinned: model.get("pinned").activation ? {} : { activation: model.get("activation"), parameters: model.get("parameters") } });
  const move = (key, value) => put({ parameters: settle(unitOf(model.get("activation"), model.get("parameters")).settled, key, value) });
  const view = build(put, pin, () => { put(beginning); state.x = -1; following.again(); });

  const draw = () => {
    const values = current();
    if (model.get("image") !== source) {
      source = model.get("image");
      state.image = decodeImage(source);
      state.map = edges(state.image);
    }
    Object.assign(state, results(values));
    if (values.activation !== shown) sliders = buildParameters(view, state.unit, move);
    shown = values.activation;
    Object.entries(view.controls).forEach(([name, control]) => control.show(values[name]));
    Object.entries(sliders).forEach(([key, control]) => control.show(state.unit.settled[key]));
    drawCharts(view, state);
    drawWords(view, state);
    drawMaps(view, state);
    put({ numbers: { ...state.found, ...state.layers.now } });
  };

  readable(view.panels.curve.chart, () => state.x, (x) => { state.x = x; drawReading(view, state); });
  el.append(view.card);
  const following = follow(model, [...SETTINGS, "image"], view.card, draw);
  return following.end;
}

export { POINTWISE, chain, decodeImage, edges, respond, shares, unitOf };
export default { render };
