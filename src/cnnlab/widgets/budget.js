// The budget explorer: models over two measures, limits that shut some out, the Pareto front of the rest, the best of them.
import { button, make, select, slider } from "./lib/controls.js";
import { COSTS, MEASURES, against, bestOf, broken, frontOf, measuresIn, paretoFront, stopsOf, valueOf } from "./lib/budgets.js";
import { accuracyWords, frontParts, frontWords, modelWords, numberWords, verdictWords } from "./lib/budgetwords.js";
import { FILES_STYLE, csv, download, tableOf, tablePart } from "./lib/files.js";
import { follow, putInto } from "./lib/follow.js";
import { svg } from "./lib/plot.js";
import { READER_STYLE, reader } from "./lib/reader.js";
import { SCATTER_STYLE, scatter } from "./lib/scatter.js";
import { SERIES_STYLE, inSeries, seriesMark } from "./lib/series.js";
import { deviation } from "./lib/statistics.js";
import { styleOf } from "./lib/style.js";

const TRAITS = ["axes", "limits", "shown"];
const HINT = "Hover, tap, or use the arrow keys to read a model.";
const named = (measure) => MEASURES[measure] + (measure === "accuracy" ? ", %" : "");
const capital = (words) => words[0].toUpperCase() + words.slice(1);

/** The sources of the rows, in order: their places are their colors and marks. */
const sourcesOf = (rows) => [...new Set(rows.map(({ source }) => source))];

/** Buttons that put the models of a source into sight or out of it; they are the legend. */
function chips(sources, toggle) {
  const made = sources.map((source, i) => {
    const element = button("", () => toggle(source));
    element.className = "chip";
    element.innerHTML = svg({ width: 14, height: 14 }, inSeries(i, seriesMark(i, 7, 7)));
    element.append(source);
    return element;
  });
  const element = make("div", { className: "chips" }, make("span", { className: "family", textContent: "Models from" }), ...made);
  return { element, show: (shown) => made.forEach((one, i) => one.setAttribute("aria-pressed", String(shown.includes(sources[i])))) };
}

/** A slider for each cost that differs between models; its last stop is no limit. */
function limitSliders(rows, set) {
  const found = Object.keys(measuresIn(rows, COSTS)).map((cost) => [cost, stopsOf(rows, cost)]).filter(([, { count }]) => count > 1);
  return Object.fromEntries(found.map(([cost, stops]) => {
    const format = (value) => (value === Infinity ? "any" : numberWords(value));
    return [cost, slider(`Most ${COSTS[cost]}`, { ...stops, format }, (value) => set(cost, value))];
  }));
}

/** The sentences under which the numbers were measured, in a part that opens. */
const conditionsPart = (conditions) => make("details", {}, make("summary", { textContent: "Conditions of these numbers" }),
  ...conditions.map(([name, says]) => make("p", { className: "conditions" }, make("b", { textContent: `${capital(name)}. ` }), says)));

/** What is said of the measures, and what a mean over seeds of several sources is. */
const summaryOf = (rows, conditions) => [
  ...Object.keys(MEASURES).map((measure) => conditions[measure] ?? ""),
  rows.some(({ accuracy }) => accuracy.length > 1) ? "Accuracy: mean ± standard deviation over seeds." : "",
  sourcesOf(rows).length > 1 ? "Sources differ in their conditions: compare across them with care." : "",
].filter(Boolean).join(" ");

/** All elements of one view; `act` has what the controls do. */
function build(rows, conditions, act) {
  const options = Object.fromEntries(Object.keys(measuresIn(rows)).map((measure) => [measure, capital(MEASURES[measure])]));
  const across = select("Horizontal axis", options, (value) => act.axis(0, value)), upward = select("Vertical axis", options, (value) => act.axis(1, value));
  const sliders = limitSliders(rows, act.limit), legend = chips(sourcesOf(rows), act.toggle), free = button("Lift all limits", act.free);
  const caption = make("figcaption"), chart = make("div", { className: "chart first" }), reading = make("p", { className: "reading" });
  const front = make("p", { className: "named" }), verdict = make("p", { className: "verdict" });
  const numbers = tablePart("Table of these numbers"), save = download("Download as CSV");
  const said = Object.entries(conditions).filter(([name]) => !(name in MEASURES)); // those stand in sight
  verdict.setAttribute("aria-live", "polite");
  const look = make("p", { className: "look" }, make("b", { textContent: "What to look for. " }),
    "Tighten one limit and see which model becomes the best. Then change the axis: a front in one cost is not the front in another.");
  const card = make("section", { className: "cnnlab-card budget" },
    styleOf("budget", READER_STYLE, SERIES_STYLE, SCATTER_STYLE, FILES_STYLE, OWN_STYLE), look,
    make("div", { className: "controls" }, across.element, upward.element),
    make("div", { className: "controls limits" }, ...Object.values(sliders).map(({ element }) => element), free),
    legend.element, make("figure", {}, caption, chart, reading), verdict, front,
    make("p", { className: "conditions", textContent: summaryOf(rows, conditions) }), numbers.element, make("div", { className: "saves" }, save.element),
    ...(said.length ? [conditionsPart(said)] : []));
  card.setAttribute("aria-label", "Budget explorer");
  card.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys
  return { card, across, upward, sliders, legend, free, caption, chart, read: reader(chart, reading, HINT), verdict, front, numbers, save };
}

/** Rows in sight, who is admissible, the front as groups of places, and who is best. */
function stateOf(rows, { axes, limits, shown }) {
  const seen = rows.filter(({ source }) => shown.includes(source)), allowed = seen.filter((row) => !broken(row, limits).length);
  const front = frontOf(allowed, axes).map((group) => group.map((i) => seen.indexOf(allowed[i])));
  const numberOf = new Map(front.flatMap((group, i) => group.map((place) => [seen[place], i + 1])));
  return { rows, axes, limits, shown, seen, front, numberOf, best: bestOf(allowed).map((i) => allowed[i]) };
}

function drawChart(view, { rows, axes, limits, seen, front, numberOf, best }) {
  const sources = sourcesOf(rows), [across, upward] = axes;
  const points = seen.map((row) => ({
    x: valueOf(row, across), y: valueOf(row, upward), series: sources.indexOf(row.source), dimmed: broken(row, limits).length > 0, best: best.includes(row),
  }));
  const settings = { x: limits[across], y: limits[upward] }, known = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)).length;
  const kinds = [{ name: named(across), linear: across === "accuracy", upFirst: across === "accuracy" }, { name: named(upward), linear: upward === "accuracy" }];
  const { picture, places, log } = known ? scatter({ points, front, limits: settings, axes: kinds, width: view.chart.clientWidth || 480 }) : { picture: "", places: [], log: [] };
  const lost = seen.length - known, missing = lost ? `; ${lost} without both numbers ${lost === 1 ? "is" : "are"} not drawn` : "";
  view.caption.replaceChildren(make("b", { textContent: `${capital(named(upward))}, over ${MEASURES[across]}` }),
    make("span", { textContent: `${log[1] ? "logarithmic upwards; " : ""}line and numbers: the front; ring: the best admissible; faint and open: outside the limits${missing}` }));
  view.chart.innerHTML = picture;
  view.chart.setAttribute("aria-label", `Scatter chart of ${MEASURES[upward]} over ${MEASURES[across]}, ${known} models. ${frontWords(seen, front, axes)}`);
  const line = (chosen) => seen.map((row, i) => ({ row, ...places[i], words: modelWords(row, limits, numberOf.get(row)) }))
    .filter(({ row, x, y }) => Number.isFinite(x) && Number.isFinite(y) && chosen(row)).sort((a, b) => a.x - b.x);
  const outside = (row) => broken(row, limits).length > 0;
  view.read.update([line((row) => numberOf.has(row)), line((row) => !numberOf.has(row) && !outside(row)), line(outside)]);
}

/** A line a model in sight, the same for the page and for a file. */
function tableRows({ seen, limits, numberOf, best }) {
  const head = ["name", "source", "parameters", "multiply_adds", "milliseconds", "accuracy", "sd", "seeds", "admissible", "front", "best"];
  const lines = seen.map((row) => {
    const over = broken(row, limits).map((cost) => COSTS[cost]);
    return [row.name, row.source, ...Object.keys(MEASURES).map((measure) => valueOf(row, measure)), deviation(row.accuracy), row.accuracy.length,
      over.length ? `no: ${over.join(" and ")}` : "yes", numberOf.get(row) ?? "", best.includes(row) ? "best" : ""];
  });
  return { head, lines };
}

function drawWords(view, state) {
  const { rows, seen, axes, limits, shown, front, quantiles } = state, found = tableRows(state);
  view.across.show(axes[0]);
  view.upward.show(axes[1]);
  Object.entries(view.sliders).forEach(([cost, one]) => one.show(limits[cost] ?? Infinity));
  view.free.disabled = !Object.keys(limits).length;
  view.legend.show(shown);
  const verdict = verdictWords(seen, limits, quantiles);
  if (view.verdict.textContent !== verdict) view.verdict.textContent = verdict;
  const { opening, items } = frontParts(seen, front, axes);
  view.front.replaceChildren(opening, ...items.flatMap((names, i) => [make("b", { textContent: i + 1 }), ` ${names}${i + 1 < items.length ? "; " : "."}`]));
  view.numbers.scroll.replaceChildren(tableOf(found, `${seen.length} of ${rows.length} models in sight; accuracy and its standard deviation (sd) over the seeds in percent`, 1, numberWords));
  view.save.offer("budget.csv", csv(found));
}

/** What the controls do to the model's traits. */
function actions(model) {
  const put = putInto(model), set = (name, value) => put({ [name]: value });
  return {
    axis(place, name) {
      const now = [...model.get("axes")];
      if (now[1 - place] === name) now[1 - place] = now[place]; // the two change places
      now[place] = name;
      set("axes", now);
    },
    limit(cost, value) {
      const { [cost]: _, ...rest } = model.get("limits");
      set("limits", value === Infinity ? rest : { ...rest, [cost]: value });
    },
    toggle(source) {
      const all = sourcesOf(model.get("rows")), now = model.get("shown");
      set("shown", all.filter((one) => (one === source ? !now.includes(one) : now.includes(one))));
    },
    free: () => set("limits", {}),
  };
}

/** Keeps one view in step with the model's traits. */
function render({ model, el }) {
  const rows = model.get("rows"), view = build(rows, model.get("conditions"), actions(model));
  const draw = () => {
    const state = { ...stateOf(rows, Object.fromEntries(TRAITS.map((name) => [name, model.get(name)]))), quantiles: model.get("quantiles") };
    drawChart(view, state);
    drawWords(view, state);
  };
  el.append(view.card);
  const following = follow(model, TRAITS, view.card, draw);
  return () => {
    following.end();
    view.save.end();
  };
}

const OWN_STYLE = `
.cnnlab-card .limits { margin-top: 14px; }
.cnnlab-card .chips { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 16px 0 12px; }
.cnnlab-card .family { font-size: 13px; font-weight: 600; margin-right: 4px; }
.cnnlab-card button.chip { height: 30px; font-size: 13px; display: inline-flex; align-items: center; gap: 6px; }
.cnnlab-card button.chip[aria-pressed="true"] { border-color: var(--ink); font-weight: 600; }
.cnnlab-card button.chip[aria-pressed="false"] { color: var(--muted); text-decoration: line-through; }
.cnnlab-card button:disabled { opacity: 0.55; cursor: default; }
.cnnlab-card .named { margin-top: 10px; font-size: 14px; }
.cnnlab-card .conditions { margin-top: 10px; font-size: 13px; color: var(--muted); overflow-wrap: anywhere; }
`;

export { accuracyWords, against, bestOf, broken, frontOf, frontWords, paretoFront, stopsOf, verdictWords };
export default { render };
