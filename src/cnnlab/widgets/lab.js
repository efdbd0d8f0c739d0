// The training lab: up to eight small networks train in front of the reader, in her browser or in the kernel behind the page.
import { askKernel, kernelCrew, sourceWords } from "./lib/behind.js";
import { hireCrew } from "./lib/crew.js";
import { COMPARISONS, memberName, membersOf, pythonCell } from "./lib/compare.js";
import { putInto } from "./lib/follow.js";
import { linkTo, settingOfAddress } from "./lib/lablink.js";
import { drawCurves, drawLegend, drawMember } from "./lib/labviews.js";
import { LAB_ACTIVATIONS, LAB_IMAGES, LAB_INITIALIZATIONS, LAB_SCHEDULES, PLACEMENTS, SKIPS, labVerdict } from "./lib/labwords.js";
import { LOGARITHMIC, button, make, select, slider } from "./lib/controls.js";
import { SERIES_STYLE } from "./lib/series.js";
import { styleOf } from "./lib/style.js";

const SETTINGS = ["dataset", "activation", "initialization", "placement", "skip", "depth", "width", "lr", "schedule", "momentum", "batch_size", "steps", "seed"];
const SETTLE_MS = 120, MOST_PINS = 3;
const PYTHON_TAKES = "On a laptop it runs for a few seconds to about a minute: longer with more members, steps and layers.";
const REST_MS = 60; // between two drawings of a run, so that a slow machine has time for the reader

function panel(name, what) {
  const chart = make("div"), note = make("span");
  chart.setAttribute("role", "img");
  return { element: make("figure", {}, make("figcaption", {}, make("b", { textContent: name }), `: ${what}`, note), chart), chart, note };
}

function controlsOf(set) {
  const whole = (unit) => (value) => `${value} ${unit}`;
  const list = (label, options, name, read = String) => select(label, options, (value) => set(name, read(value)));
  const ways = Object.fromEntries(Object.entries(COMPARISONS).map(([name, { text }]) => [name, text]));
  return {
    lr: slider("Learning rate", { min: 0.0005, max: 3, step: 0.1, scale: LOGARITHMIC }, (value) => set("lr", value)),
    dataset: list("Images", LAB_IMAGES, "dataset"),
    activation: list("Activation", LAB_ACTIVATIONS, "activation"),
    initialization: list("Initialization", LAB_INITIALIZATIONS, "initialization"),
    placement: list("Batch norm", PLACEMENTS, "placement"),
    schedule: list("Schedule", LAB_SCHEDULES, "schedule"),
    skip: list("Skip connections", SKIPS, "skip", Number),
    depth: slider("Depth", { min: 3, max: 12, step: 1, format: whole("convolutions") }, (value) => set("depth", value)),
    width: slider("Width", { min: 4, max: 16, step: 4, format: whole("channels") }, (value) => set("width", value)),
    momentum: slider("Momentum", { min: 0, max: 0.99, step: 0.01, format: (value) => value.toFixed(2) }, (value) => set("momentum", value)),
    batch_size: slider("Batch size", { min: 8, max: 128, step: 8, format: whole("images") }, (value) => set("batch_size", value)),
    steps: slider("Steps", { min: 50, max: 500, step: 50 }, (value) => set("steps", value)),
    compare: list("Compare", ways, "compare"),
  };
}

function build(set, act) {
  const controls = controlsOf(set);
  const loss = panel("Training loss", "of each batch, running mean over ten");
  const accuracy = panel("Held out", "images no member trains on, percent right");
  const layers = panel("Layers", "mean square of signal and gradient");
  const filters = panel("Filters", "weights of the first convolution, one hue above zero, the other below");
  const sheet = panel("Answers", "a frame marks a held-out digit it gets wrong");
  const legend = make("div", { className: "chips" }), pins = make("div", { className: "pins" });
  const verdict = make("p", { className: "verdict" }), inside = make("p", { className: "inside" }), source = make("p", { className: "source" });
  verdict.setAttribute("aria-live", "polite");
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Members; the one chosen is shown layer by layer");
  const train = button("Train", act.toggle), code = make("pre", { tabIndex: 0, role: "region", ariaLabel: "Python code" }), link = make("a", { textContent: "Link to this setting" });
  train.className = "main";
  const copy = button("Copy", act.copy), long = make("p", { className: "aside", textContent: PYTHON_TAKES });
  const cell = make("details", {}, make("summary", { textContent: "The same in Python" }), long, code, copy);
  const damage = make("p", { className: "aside damage", role: "status" });
  const buttons = make("div", { className: "buttons" }, train, button("New draw", act.redraw), button("Pin this run", act.pin), link);
  const look = make("p", { className: "look" }, make("b", { textContent: "What to look for. " }),
    "Real networks train here. Find the learning rate above which a member diverges; then change initialization or switch batch norm on, and see where that limit goes.");
  const card = make("section", { className: "cnnlab-card lab" }, styleOf("lab", SERIES_STYLE, OWN_STYLE), look,
    make("div", { className: "controls" }, ...Object.values(controls).map(({ element }) => element)), buttons, damage,
    make("div", { className: "panels" }, loss.element, accuracy.element), legend, pins, verdict,
    make("div", { className: "panels" }, layers.element, make("div", {}, filters.element, sheet.element)), inside, cell, source);
  card.setAttribute("aria-label", "Training lab");
  card.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys
  return { card, controls, loss, accuracy, layers, filters, sheet, legend, pins, verdict, inside, source, train, code, copy, link, damage };
}

/** What an answer of the crew tells of the members. */
function take(members, { points = [] }) {
  for (const point of points) {
    const one = members[point.member];
    if (point.loss !== undefined) one.losses.push(point.loss ?? NaN);
    if (point.divergedAt) one.divergedAt = point.divergedAt;
    if (point.heldOut) one.looks.push({ step: point.step, ...point.heldOut });
    if (!point.layers) continue;
    one.inside = { step: point.step, layers: point.layers, filters: point.filters, wrong: point.heldOut.wrong };
    one.start ??= { step: point.step, layers: point.layers };
  }
}

/** Whether a link may set this: a value of the control of that name, or a whole number as seed. */
function allowed(controls, name, value) {
  if (name === "seed") return Number.isInteger(value) && value >= 0 && value < 2 ** 31;
  const kind = ["compare", "dataset", "activation", "initialization", "placement", "schedule"].includes(name) ? "string" : "number";
  return typeof value === kind && Object.hasOwn(controls, name) && controls[name].allows(value) && (name !== "width" || value % 4 === 0);
}

/** Keeps one view in step with the model's traits; a change of any of them trains anew. */
function render({ model, el }) {
  const state = { members: [], pinned: [], chosen: 0, done: true, digits: null };
  let crew = null, waiting = 0, drawing = 0, drawn = 0, gone = false, runs = 0;
  const put = putInto(model);
  const names = [...SETTINGS, "compare"];

  const draw = () => {
    if (gone) return;
    drawCurves(view, state);
    drawLegend(view, state, choose, unpin);
    drawMember(view, state.members[state.chosen], state.digits);
    view.verdict.textContent = state.error ?? labVerdict(state.members, state.done, state.stopped);
    view.train.textContent = state.done ? "Train" : "Stop";
    view.card.ariaBusy = String(!state.done);
    [drawing, drawn] = [0, performance.now()];
  };
  const drawSoon = () => { drawing ||= setTimeout(() => requestAnimationFrame(draw), drawn + REST_MS - performance.now()); };
  const choose = (i) => { state.chosen = i; draw(); view.legend.children[i].focus(); };
  const unpin = (i) => { state.pinned.splice(i, 1); draw(); };

  const hear = (answer) => {
    take(state.members, answer);
    if (answer.digits) state.digits = answer.digits;
    if (answer.error) state.error = answer.error;
    if (answer.done || answer.error) state.done = true;
    drawSoon();
  };

  const showSettings = () => {
    state.settings = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
    state.compare = model.get("compare");
    Object.entries(view.controls).forEach(([name, control]) => control.show(model.get(name)));
    view.code.textContent = pythonCell(state.settings, state.compare);
    const here = Object.fromEntries(names.map((name) => [name, model.get(name)]));
    view.link.href = linkTo(here, view.card);
    const { varies, whole } = COMPARISONS[state.compare];
    state.varies = varies;
    Object.entries(view.controls).forEach(([name, control]) => control.lock?.(whole && name === varies ? "compared" : ""));
    const members = membersOf(state.settings, state.compare);
    state.members = members.map((settings, i) => ({ settings, name: memberName(settings, state.compare), series: i, losses: [], looks: [], divergedAt: null }));
    state.chosen = Math.min(Math.floor((members.length - 1) / 2), members.length - 1);
    state.error = undefined;
    state.digits = null;
  };

  /** Trains the members of the present settings, by the kernel if it answers, or else in the page's own worker. */
  const start = async () => {
    const mine = ++runs;
    crew?.stop();
    showSettings();
    [state.done, state.stopped] = [false, false];
    draw();
    const behind = await askKernel(model);
    if (mine !== runs || gone) return;
    if (crew?.kernel !== behind.kernel) {
      crew?.dispose();
      crew = { ...(behind.kernel ? kernelCrew(model) : hireCrew(model.get("trainer"), model.get("packed"))), kernel: behind.kernel };
    }
    view.source.textContent = sourceWords(behind);
    crew.train(state.members.map(({ settings }) => settings), (answer) => { if (mine === runs) hear(answer); }, state.settings.dataset);
  };
  const stop = () => { runs++; crew?.stop(); [state.done, state.stopped] = [true, true]; draw(); };
  const startSoon = () => { clearTimeout(waiting); waiting = setTimeout(start, SETTLE_MS); };

  const act = {
    toggle: () => (state.done ? start() : stop()),
    redraw: () => put({ seed: model.get("seed") + 1 }),
    pin: () => {
      const { settings, losses, looks } = state.members[state.chosen];
      if (!losses.length) return;
      const kept = state.pinned.slice(1 - MOST_PINS), places = Array.from({ length: MOST_PINS }, (_, i) => i);
      const place = places.find((one) => kept.every((pin) => pin.place !== one)); // a pin keeps its number and its dashes
      state.pinned = [...kept, { place, settings, losses: [...losses], looks: [...looks] }];
      draw();
    },
    copy: async () => {
      const copied = await navigator.clipboard?.writeText(view.code.textContent).then(() => true, () => false); // refused here and there
      view.copy.textContent = copied ? "Copied" : "Select it and copy";
    },
  };
  const view = build((name, value) => put({ [name]: value }), act);
  el.append(view.card);
  const obey = (block, set) => { // the page's address, where it names a setting for this lab
    const said = settingOfAddress(view.card, (name, value) => allowed(view.controls, name, value));
    if (!said) return;
    set(said.setting);
    view.damage.textContent = said.damage;
    view.card.scrollIntoView({ block });
    if (document.readyState !== "complete") addEventListener("load", () => view.card.scrollIntoView({ block }), { once: true });
  };
  const moved = () => obey("nearest", put);
  obey("start", (setting) => Object.entries(setting).forEach(([name, value]) => model.set(name, value)));
  addEventListener("hashchange", moved);
  names.forEach((name) => model.on(`change:${name}`, startSoon));
  const observer = new ResizeObserver(drawSoon);
  showSettings();
  view.source.textContent = "";
  draw();
  observer.observe(view.card);
  return () => {
    gone = true;
    clearTimeout(waiting);
    clearTimeout(drawing);
    observer.disconnect();
    removeEventListener("hashchange", moved);
    crew?.dispose();
    names.forEach((name) => model.off(`change:${name}`, startSoon));
  };
}

const OWN_STYLE = `
.cnnlab-card { scroll-margin-top: 5rem; }
.cnnlab-card .buttons { margin-top: 14px; }
.cnnlab-card .buttons a { color: var(--first); font-size: 14px; text-decoration: underline; }
.cnnlab-card .chips { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 6px; }
.cnnlab-card .chip { height: 30px; font-size: 13px; display: inline-flex; align-items: center; gap: 6px; }
.cnnlab-card button.chip[aria-pressed="true"] { border-color: var(--ink); font-weight: 600; }
.cnnlab-card .pins p { font-size: 13px; color: var(--muted); margin-top: 4px; }
.cnnlab-card .pins button { height: 26px; font-size: 12px; }
.cnnlab-card .pins svg { display: inline-block; vertical-align: middle; }
.cnnlab-card svg path.pin1 { stroke-dasharray: 8 3; }
.cnnlab-card svg path.pin2 { stroke-dasharray: 9 4 1.5 4; }
.cnnlab-card svg path.cut { fill: var(--series); stroke: none; }
.cnnlab-card .pinned { --series: var(--edge); }
.cnnlab-card svg text.off { font-weight: 600; }
.cnnlab-card svg .first path.before { stroke: var(--first); }
.cnnlab-card svg .second path.before { stroke: var(--second); stroke-dasharray: 7 4; }
.cnnlab-card select:disabled { opacity: 0.55; cursor: default; }
.cnnlab-card .damage:empty { display: none; }
.cnnlab-card svg text.named { fill: var(--series); font-weight: 600; paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
.cnnlab-card svg .plus { fill: var(--first); } .cnnlab-card svg .minus { fill: var(--second); }
.cnnlab-card .inside { font-size: 14px; margin-top: 8px; }
.cnnlab-card :is(.source, .aside) { font-size: 13px; color: var(--muted); margin-top: 12px; }
.cnnlab-card details { margin-top: 12px; } .cnnlab-card summary { cursor: pointer; font-weight: 600; font-size: 14px; }
.cnnlab-card pre { overflow-x: auto; background: none; border: 1px solid var(--line); border-radius: 6px; padding: 10px; margin: 8px 0; font-size: 13px; color: var(--ink); }
.cnnlab-card [hidden] { display: none; }
`;

export { membersOf, pythonCell };
export default { render };
