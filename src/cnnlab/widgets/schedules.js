// The schedule designer: a learning rate for each step, dragged, compared, and written as code.
import { LOGARITHMIC, button, make, select, slider } from "./lib/controls.js";
import { FILES_STYLE, tableOf } from "./lib/files.js";
import { follow, putInto } from "./lib/follow.js";
import { HANDLES_STYLE, handleLayer } from "./lib/handles.js";
import { cnnlabCode, torchCode } from "./lib/ratecode.js";
import { handlesOf, percent } from "./lib/ratehandles.js";
import { RATES_STYLE, rangePanel, rateWords, ratesPanel, roundTop } from "./lib/ratepanel.js";
import { FORMULAS, rangeOf, ratesOf, spent } from "./lib/rates.js";
import { READER_STYLE, reader } from "./lib/reader.js";
import { SERIES_STYLE, swatch } from "./lib/series.js";
import { digits4 } from "./lib/statistics.js";
import { styleOf } from "./lib/style.js";

const TRAITS = ["schedule", "lr", "steps", "warm_up", "parameters", "pinned", "range_test"];
const OWN = ["schedule", "lr", "steps", "warm_up"];
const PINS = 3, HINT = "Hover, tap, or use the arrow keys to read a point.";
const NAMES = Object.fromEntries(Object.keys(FORMULAS).map((name) => [name, name.replaceAll("_", " ")]));
const WORDS = {
  periods: "Periods", alpha: "Alpha", beta: "Beta", first: "First drop", second: "Second drop", size: "Distance of the drops",
  gamma: "Gamma, factor of a drop", cycles: "Cycles", base: "Lowest rate, share of the peak", end: "Height left at the end",
};
const SHARES = ["first", "second", "size"]; // said as percent of the run
const ROUND_STEPS = { ...LOGARITHMIC, value: (position) => Math.round(LOGARITHMIC.value(position)) };

/** Settings with the default of every parameter they do not name. */
function filled(settings, ranges) {
  const usual = Object.fromEntries(Object.entries(ranges[settings.schedule]).map(([name, [value]]) => [name, value]));
  return { ...settings, parameters: { ...usual, ...settings.parameters } };
}

function titleOf({ schedule, parameters, lr, steps, warm_up: share }, ranges) {
  const away = Object.entries(parameters).filter(([name, value]) => value !== ranges[schedule][name][0]).map(([name, value]) => `${name} ${value}`);
  return [NAMES[schedule], ...away, ...(share > 0 ? [`warm-up ${percent(share)}`] : []), `peak ${lr}`, `${steps} steps`].join(", ");
}

/** A figure whose chart is read point by point. */
function figureOf(kind) {
  const caption = make("figcaption"), chart = make("div", { className: `chart ${kind}` }), reading = make("p", { className: "reading" });
  const stage = make("div", { className: "stage" }, chart);
  return { element: make("figure", {}, caption, stage, reading), caption, chart, stage, read: reader(chart, reading, HINT), width: () => chart.clientWidth || 480 };
}

/** The code part: which library, the cell, and a button that copies it. */
function codePart(redraw) {
  const text = make("textarea", { readOnly: true, spellcheck: false, rows: 16 }), said = make("span", { className: "said" });
  text.setAttribute("aria-label", "Python code");
  said.setAttribute("role", "status");
  let kind = "cnnlab";
  const which = select("Written with", { cnnlab: "cnnlab and torch", torch: "torch alone" }, (value) => { kind = value; redraw(); });
  const copy = button("Copy", () => {
    text.select();
    said.textContent = document.execCommand("copy") ? "Copied." : "Selected: copy it with the keyboard."; // no clipboard API on a page opened as a file
  });
  const show = (codes) => { text.value = codes[kind]; said.textContent = ""; which.show(kind); };
  const element = make("details", {}, make("summary", { textContent: "Code for these rates" }),
    make("div", { className: "coding" }, which.element, copy, said), text);
  return { element, show };
}

/** All elements of one view; `act` has what the controls do. */
function build(act) {
  const controls = {
    schedule: select("Schedule", NAMES, (value) => act.set("schedule", value)),
    lr: slider("Peak learning rate", { min: 1e-5, max: 10, step: 0.05, scale: LOGARITHMIC }, (value) => act.set("lr", value)),
    steps: slider("Steps", { min: 10, max: 100000, step: 0.05, scale: ROUND_STEPS }, (value) => act.set("steps", value)),
    warm_up: slider("Warm-up", { min: 0, max: 0.5, step: 0.01, format: (value) => (value > 0 ? percent(value) : "none") }, (value) => act.set("warm_up", value)),
  };
  const own = make("div", { className: "controls own" }), rates = figureOf("series0"), range = figureOf("series0");
  const layer = handleLayer(act.held), pins = make("div", { className: "pins" }), table = make("div", { className: "scroll", tabIndex: 0 });
  const verdict = make("p", { className: "verdict" }), code = codePart(act.redraw), use = button("Use these limits", act.use);
  rates.stage.append(layer.element);
  verdict.setAttribute("aria-live", "polite");
  table.setAttribute("role", "region");
  table.setAttribute("aria-label", "The curves in numbers");
  const look = make("p", { className: "look" }, make("b", { textContent: "What to look for. " }),
    "Two schedules with the same peak can differ by a factor of two in the sum of their rates, and in where it is spent: shaded is the first half. Drag the handles.");
  const test = make("div", { className: "test" }, range.element, use);
  const card = make("section", { className: "cnnlab-card schedules" },
    styleOf("schedules", READER_STYLE, SERIES_STYLE, FILES_STYLE, HANDLES_STYLE, RATES_STYLE, OWN_STYLE), look,
    make("div", { className: "controls" }, ...Object.values(controls).map(({ element }) => element)), own, rates.element, pins, verdict, table, test, code.element);
  card.setAttribute("aria-label", "Schedule designer");
  card.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys
  return { card, controls, own, ownSliders: {}, rates, range, layer, pins, verdict, table, test, use, code };
}

/** Sliders for the parameters of a schedule; made anew only where it is another one, so that none loses the focus. */
function showOwn(view, { settings, ranges }, set) {
  const mine = ranges[settings.schedule];
  if (view.own.dataset.schedule !== settings.schedule) {
    view.own.dataset.schedule = settings.schedule;
    view.ownSliders = Object.fromEntries(Object.entries(mine).map(([name, [, min, max, step]]) => [name,
      slider(WORDS[name], { min, max, step, format: SHARES.includes(name) ? percent : String }, (value) => set(name, value))]));
    view.own.replaceChildren(...Object.values(view.ownSliders).map(({ element }) => element));
    view.own.hidden = !Object.keys(mine).length;
  }
  Object.entries(view.ownSliders).forEach(([name, control]) => control.show(settings.parameters[name]));
}

function showPins({ pins }, { pinned, settings, ranges }, act) {
  const add = button("Pin this curve", act.pin);
  add.title = `up to ${PINS}; one more replaces the first`;
  const chips = pinned.map((one, i) => {
    const chip = button("", () => act.unpin(i)), words = titleOf(one, ranges);
    chip.className = "chip";
    chip.innerHTML = swatch(i + 1);
    chip.append(`${words} ✕`);
    chip.setAttribute("aria-label", `Remove ${words} ✕`);
    return chip;
  });
  const focused = pins.contains(document.activeElement);
  pins.replaceChildren(make("span", { className: "current", innerHTML: swatch(0, false) }), add, ...chips);
  pins.querySelector(".current").append(titleOf(settings, ranges));
  if (focused) add.focus(); // the button that was pressed is gone
}

function drawRates(view, { curves, top, settings, ranges }, set) {
  const { rates: { caption, chart, read, width }, layer } = view, panel = ratesPanel({ curves, top, width: width() });
  caption.replaceChildren(make("b", { textContent: "Learning rate by step" }), make("span", { textContent: `rate = peak · s(step / steps); ${FORMULAS[settings.schedule]}` }));
  chart.innerHTML = panel.picture;
  chart.setAttribute("aria-label", `Line chart of the learning rate by step. ${curves.map(({ words }) => words).join(" ")}`);
  read.update(panel.lines);
  layer.update(handlesOf({ settings, rates: curves[0].rates, ranges, at: panel.at, set }));
}

/** "cosine, peak 0.1, 1000 steps: the rates add up to 50.05, ...". */
const curveWords = ({ title, sum, half, rates, settings: { lr } }) => `${title}: the rates add up to ${digits4(sum)}, as much as ${digits4(sum / lr)} steps at the peak; `
  + `half of that is spent after ${half} steps, ${percent(half / rates.length)} of the run. The last step has ${rateWords(rates.at(-1))}.`;

function showTable({ table }, curves) {
  const head = ["schedule", "peak", "steps", "warm-up", "sum of rates", "half spent after", "share of the run", "last rate"];
  const lines = curves.map(({ settings: { schedule, lr, steps, warm_up: share }, sum, half, rates }) =>
    [NAMES[schedule], lr, steps, share > 0 ? percent(share) : "none", sum, half, percent(half / steps), rates.at(-1)]);
  table.replaceChildren(tableOf({ head, lines }, "The curve and those pinned beside it", 1, rateWords));
}

function drawRange({ range, test, use }, given) {
  test.hidden = !given.rates?.length;
  if (test.hidden) return;
  const found = rangeOf(given), { picture, lines } = rangePanel({ ...given, found, width: range.width() });
  const words = found.why ?? `the accuracy starts to rise at ${digits4(found.base)} and stops rising at ${digits4(found.max)}`;
  range.caption.replaceChildren(make("b", { textContent: "Range test" }), make("span", { textContent: `dots: accuracy reached at each rate; line: running mean; ${words}` }));
  range.chart.innerHTML = picture;
  range.chart.setAttribute("aria-label", `Chart of a range test with ${given.rates.length} rates: ${words}.`);
  range.read.update(lines);
  use.hidden = Boolean(found.why);
}

/** Everything a drawing needs, from the traits. */
function stateOf(model) {
  const ranges = model.get("choices"), own = Object.fromEntries([...OWN, "parameters"].map((name) => [name, model.get(name)]));
  const settings = filled(own, ranges), pinned = model.get("pinned").map((one) => filled(one, ranges));
  const curves = [settings, ...pinned].map((one) => {
    const rates = ratesOf(one), found = { title: titleOf(one, ranges), settings: one, rates, ...spent(rates) };
    return { ...found, words: curveWords(found) };
  });
  return { ranges, settings, pinned, curves, top: roundTop(Math.max(...curves.map(({ rates }) => rates.reduce((a, b) => Math.max(a, b), 0)))) };
}

/** What the controls do to the model. */
function actions(model) {
  const put = putInto(model);
  const set = (name, value) => {
    if (name === "schedule") put({ parameters: {}, schedule: value });
    else put(OWN.includes(name) ? { [name]: value } : { parameters: { ...model.get("parameters"), [name]: value } });
  };
  const pin = () => {
    const one = Object.fromEntries([...OWN, "parameters"].map((name) => [name, model.get(name)]));
    put({ pinned: [...model.get("pinned").slice(-PINS + 1), one] });
  };
  const use = () => {
    const { base, max } = rangeOf(model.get("range_test"));
    put({ parameters: { base: Number((base / max).toPrecision(4)) }, schedule: "triangular", lr: Number(max.toPrecision(6)) });
  };
  return { set, pin, use, unpin: (i) => put({ pinned: model.get("pinned").filter((_, j) => j !== i) }) };
}

/** Keeps one view in step with the model's traits; while a handle is held, the axis stands still. */
function render({ model, el }) {
  let frozen = null, state = null;
  const draw = () => {
    state = stateOf(model);
    const { settings, curves } = state;
    OWN.forEach((name) => view.controls[name].show(settings[name]));
    showOwn(view, state, act.set);
    showPins(view, state, act);
    drawRates(view, { ...state, top: frozen ?? state.top }, act.set);
    view.verdict.textContent = curves[0].words[0].toUpperCase() + curves[0].words.slice(1);
    showTable(view, curves);
    drawRange(view, model.get("range_test"));
    const usual = filled({ schedule: settings.schedule }, state.ranges).parameters;
    view.code.show({ cnnlab: cnnlabCode(settings, usual), torch: torchCode(settings) });
  };
  const redraw = () => following.again();
  const held = (now) => { frozen = now ? state.top : null; redraw(); };
  const act = { ...actions(model), held, redraw };
  const view = build(act);
  el.append(view.card);
  const following = follow(model, TRAITS, view.card, draw);
  return following.end;
}

const OWN_STYLE = `
.cnnlab-card [hidden] { display: none !important; }
.cnnlab-card .own { margin-top: 12px; }
.cnnlab-card .stage { margin-top: 8px; }
.cnnlab-card figure { margin-top: 16px; }
.cnnlab-card .pins { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: 8px; font-size: 13px; }
.cnnlab-card .pins :is(button.chip, .current) { display: inline-flex; align-items: center; gap: 6px; height: auto; min-height: 34px; padding: 4px 10px; font-size: 13px; text-align: left; }
.cnnlab-card .pins .current { padding-left: 0; }
.cnnlab-card .pins svg { flex: none; }
.cnnlab-card .table, .cnnlab-card .verdict + .scroll { margin-top: 12px; }
.cnnlab-card .test { border-top: 1px solid var(--line); margin-top: 16px; }
.cnnlab-card .coding { display: flex; flex-wrap: wrap; gap: 10px; align-items: end; margin: 6px 0 8px; }
.cnnlab-card .said { font-size: 13px; color: var(--muted); }
.cnnlab-card textarea { width: 100%; font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; color: var(--ink); background: var(--ground); border: 1px solid var(--edge); border-radius: 6px; padding: 8px 10px; white-space: pre; overflow: auto; resize: vertical; }
.cnnlab-card textarea:focus-visible { outline: 3px solid var(--second); outline-offset: 2px; }
`;

export { cnnlabCode, filled, rangeOf, ratesOf, spent, torchCode };
export default { render };
