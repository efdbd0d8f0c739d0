// Signal through depth: a real network, started, measured and trained in the page on the digits it carries.
import { putInto } from "./lib/follow.js";
import { BATCH, CLASSES, PIXELS, STEPS, TRAINING_BATCH, decode, measure, start, step, train } from "./lib/trainer.js";
import { backward, crossEntropy, forward } from "./lib/network.js";
import { moments, predict } from "./lib/theory.js";
import { ACTIVATION_NAMES, INITIALIZATION_NAMES, amount, describe, outcome, slopeWords, title } from "./lib/words.js";
import { depthPanel, lossPanel, relative } from "./lib/panels.js";
import { digitSheet, frames } from "./lib/digits.js";
import { svg, tag } from "./lib/plot.js";
import { LOGARITHMIC, button, make, select, slider } from "./lib/controls.js";
import { styleOf } from "./lib/style.js";

const SETTINGS = ["initialization", "activation", "depth", "gain", "seed", "width", "learning_rate"];

const sample = (kind, mark = "") => svg({ width: 30, height: 12 }, tag("path", { class: kind, d: "M1 6h28" }) + mark);

function figure(kind, name, what) {
  const chart = make("div", { className: kind });
  const slope = make("span");
  chart.setAttribute("role", "img");
  const caption = make("figcaption", {}, make("b", { textContent: name }), `: ${what}`, slope);
  return { element: make("figure", {}, caption, chart), chart, slope };
}

/** All elements of one view; `set(name, value)` is called by the controls, `toggle` by the train button. */
function build(set, redraw, toggle) {
  const controls = {
    initialization: select("Initialization", INITIALIZATION_NAMES, (value) => set("initialization", value)),
    activation: select("Activation", ACTIVATION_NAMES, (value) => set("activation", value)),
    depth: slider("Depth", { min: 2, max: 50, step: 1, format: (value) => `${value} layers` }, (value) => set("depth", value)),
    gain: slider("Gain", { min: 0.5, max: 2, step: 0.05, format: (value) => `× ${value.toFixed(2)}` }, (value) => set("gain", value)),
    learning_rate: slider("Learning rate", { min: 0.001, max: 1, step: 0.1, scale: LOGARITHMIC }, (value) => set("learning_rate", value)),
  };
  const signal = figure("first", "Signal", "mean square of what each layer gives out (input = 1)");
  const gradient = figure("second", "Gradient", "mean square of what comes back to each layer (output = 1)");
  const loss = figure("first", "Training loss", "cross-entropy of each batch, and its running mean");
  const sheet = figure("sheet", "Held out", "digits the network never trains on; a frame marks a wrong answer");
  const legend = make("div", { className: "legend" });
  const verdict = make("p", { className: "verdict" });
  verdict.setAttribute("aria-live", "polite");
  const trainButton = button("", toggle);
  trainButton.className = "main";
  const { learning_rate: rate, ...upper } = controls;
  const buttons = make("div", { className: "buttons" }, trainButton, button("New draw", redraw));
  const look = make("p", { className: "look" }, make("b", { textContent: "What to look for. " }),
    "A deep network learns when both lines start out near the band. Find a setting whose line leaves it, "
    + "then train that network and watch its loss.");
  const card = make("section", { className: "cnnlab-card signal" }, styleOf("signal"), look,
    make("div", { className: "controls" }, ...Object.values(upper).map(({ element }) => element)),
    make("div", { className: "panels" }, signal.element, gradient.element), legend, verdict,
    make("div", { className: "trainer" }, make("div", { className: "bench" }, buttons, rate.element, sheet.element), loss.element));
  card.setAttribute("aria-label", "Signal through depth");
  card.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys
  return { card, controls, signal, gradient, loss, sheet, legend, verdict, trainButton };
}

function drawDepth(view, { settings, columns, theory, before }) {
  const shown = relative(columns), { depth } = settings;
  const old = before && relative(before.columns);
  const panels = [
    ["activation", "signal", "circle", (list) => list[depth]],
    ["gradient", "gradient", "diamond", (list) => list[0] / (list[depth] || 1)],
  ];
  for (const [column, name, shape, over] of panels) {
    const { chart, slope } = view[name], values = shown[column];
    const width = chart.clientWidth || 480;
    chart.innerHTML = depthPanel({ values, theory: theory[column], before: old?.[column] ?? [], width, shape });
    slope.textContent = slopeWords(over(values), over(theory[column]), depth);
    const [from, to] = name === "signal" ? [0, depth] : [depth + 1, 0];
    const place = (layer) => (layer === 0 ? "the input" : layer > depth ? "the output" : `layer ${layer}`);
    chart.setAttribute("aria-label", `Line chart on a logarithmic scale, by layer: ${name} ${amount(values[from])} at ${place(from)}, `
      + `${amount(values[to])} at ${place(to)}; predicted ${amount(theory[column][to])}.`);
  }
  const mark = tag("circle", { class: "mark", cx: 15, cy: 6, r: 3 });
  const strip = tag("rect", { class: "band", width: 30, height: 12 });
  view.legend.innerHTML = `<span class="first">${sample("measured", mark)}measured on ${BATCH} digits</span>`
    + `<span>${sample("theory")}predicted at the start, for infinite width</span>`
    + `<span>${svg({ width: 30, height: 12 }, strip)}within a factor of 10</span>`
    + (before ? `<span>${sample("before")}before: ${before.title}</span>` : "");
}

function drawLoss(view, { run, lossBefore }) {
  const { chart, slope } = view.loss, { losses = [], divergedAt = null } = run ?? {};
  const width = chart.clientWidth || 480;
  chart.innerHTML = lossPanel({ losses, before: lossBefore, divergedAt, last: STEPS, classes: CLASSES, width });
  slope.textContent = losses.length ? `step ${losses.length} of ${STEPS}, loss ${losses.at(-1).toFixed(3)}` : `plain SGD, ${STEPS} steps, batches of ${TRAINING_BATCH}`;
  chart.setAttribute("aria-label", `Line chart of the training loss: ${slope.textContent}; guessing gives 2.303.`);
}

function drawSheet(view, wrong, count) {
  const { chart, slope } = view.sheet;
  slope.textContent = wrong ? `${count - wrong.length} of ${count} right` : `${count} digits, not asked yet`;
  chart.querySelector("g").innerHTML = frames(wrong ?? []);
  chart.setAttribute("aria-label", `Held-out digits: ${slope.textContent}.`);
}

const jsonNumber = (value) => (Number.isFinite(value) ? value : String(value)); // "Infinity" and "NaN" are what float() reads
const jsonColumns = (columns) => Object.fromEntries(Object.entries(columns).map(([name, list]) => [name, list.map(jsonNumber)]));

/** Keeps one view in step with the model's traits: a change measures anew and ends a run. */
function render({ model, el }) {
  const state = { run: null, lossBefore: [], before: null, columns: null };
  let runs = 0, waiting = 0, changedAt = -Infinity, changedName = "", data = null;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const put = putInto(model);
  const current = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  const training = () => state.run && !state.run.done;

  const showButton = () => {
    view.trainButton.textContent = training() ? "Stop" : `Train ${STEPS} steps`;
    view.card.ariaBusy = String(Boolean(training()));
  };
  const draw = () => {
    drawDepth(view, state);
    drawLoss(view, state);
    drawSheet(view, state.run?.wrong, data.heldOut.y.length);
    showButton();
  };

  const remember = (name) => {
    if (state.columns && (name !== changedName || performance.now() - changedAt > 800)) {
      state.before = { columns: state.columns, title: title(state.settings) + (state.run ? ", trained" : "") };
      if (state.run?.losses?.length) state.lossBefore = state.run.losses.filter(Number.isFinite);
    }
    changedAt = performance.now();
    changedName = name;
  };

  const refresh = () => {
    waiting = 0;
    runs++;
    state.settings = current();
    if (!data) {
      data = decode(model.get("images"), model.get("labels"));
      view.sheet.chart.innerHTML = digitSheet(data.heldOut.ink);
    }
    state.columns = measure(state.settings, data);
    state.theory = predict(state.settings, PIXELS, CLASSES);
    state.run = null;
    const { controls } = view;
    Object.entries(controls).forEach(([name, control]) => control.show(state.settings[name]));
    const lsuv = state.settings.initialization === "lsuv";
    controls.gain.field.disabled = lsuv;
    view.verdict.textContent = describe(state.settings, relative(state.columns)) + (lsuv ? " LSUV divides any gain out again." : "");
    draw();
    put({ columns: jsonColumns(state.columns), history: [], outcome: {} });
  };

  const changed = (name) => { remember(name); waiting ||= requestAnimationFrame(refresh); };

  const finish = (run) => {
    view.verdict.textContent = outcome(run, data.heldOut.y.length);
    const { losses, divergedAt, wrong } = run, count = data.heldOut.y.length;
    put({ columns: jsonColumns(run.columns), history: losses.map(jsonNumber),
      outcome: { steps: losses.length, diverged_at: divergedAt, right: count - wrong.length, held_out: count } });
  };

  const toggle = () => {
    const mine = ++runs;
    if (training()) {
      state.run.done = true;
      view.verdict.textContent = `Stopped after ${state.run.losses.length} steps.`;
      return showButton();
    }
    if (state.run?.losses.length) state.lossBefore = state.run.losses.filter(Number.isFinite);
    const initial = measure(state.settings, data);
    state.before = { columns: initial, title: "at the start" };
    state.run = { losses: [], done: false };
    showButton();
    return train(state.settings, data, (run) => {
      if (mine !== runs) return;
      state.run = { ...run };
      state.columns = run.columns;
      if (run.done || !still.matches) draw();
      if (run.done) finish(run);
    }, () => mine !== runs);
  };

  const redraw = () => put({ seed: model.get("seed") + 1 });
  const view = build((name, value) => put({ [name]: value }), redraw, toggle);
  el.append(view.card);
  const listeners = [...SETTINGS, "images", "labels"].map((name) => [`change:${name}`, () => {
    if (name === "images" || name === "labels") data = null;
    changed(name);
  }]);
  listeners.forEach(([event, listener]) => model.on(event, listener));
  const observer = new ResizeObserver(() => { if (state.columns) draw(); });
  refresh();
  observer.observe(view.card);
  return () => {
    runs++;
    cancelAnimationFrame(waiting);
    observer.disconnect();
    listeners.forEach(([event, listener]) => model.off(event, listener));
  };
}

export { backward, crossEntropy, decode, forward, measure, moments, predict, start, step, train };
export default { render };
