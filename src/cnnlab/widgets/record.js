// The record explorer: levels with every seed, differences seed by seed, curves, a table and files, from one table of runs.
import { button, make, select } from "./lib/controls.js";
import { contrastOf, curvesOf, isAccuracy, levelOf, measuresOf, nameOf, placeOf, plain, rowsOf, valuesOf, wordOf } from "./lib/explore.js";
import { FILES_STYLE, csv, download, tableOf, tablePart } from "./lib/files.js";
import { follow, putInto } from "./lib/follow.js";
import { READER_STYLE, reader } from "./lib/reader.js";
import { ROWS_STYLE, rowsPanel } from "./lib/rows.js";
import { SERIES, SERIES_STYLE, swatch } from "./lib/series.js";
import { curvesPanel } from "./lib/curves.js";
import { styleOf } from "./lib/style.js";
import { digits4, intervalNumbers, intervalWords, spreadNumbers } from "./lib/statistics.js";
import { curvesTable, levelsTable } from "./lib/columns.js";
import { againstWords, findings, levelWords, pairWords, restWords } from "./lib/recordwords.js";

const TRAITS = ["measure", "reference", "contrast", "curve", "shown"];
const CONTRASTS = { difference: "difference", interaction: "interaction" };
const HINT = "Hover, tap, or use the arrow keys to read a point.";

/** A picture that can be read point by point: {element, draw(picture, lines, name), width()}. */
function figure(kind, hint = HINT) {
  const caption = make("figcaption"), chart = make("div", { className: `chart ${kind}` }), reading = make("p", { className: "reading" });
  const read = reader(chart, reading, hint);
  const draw = (title, note, { picture, lines }, label) => {
    caption.replaceChildren(make("b", { textContent: title }), make("span", { textContent: note }));
    chart.innerHTML = picture;
    chart.setAttribute("aria-label", label);
    read.update(lines);
  };
  return { element: make("figure", {}, caption, chart, reading), draw, width: () => chart.clientWidth || 480 };
}

/** Buttons that put a level's curves into the picture or take them out, grouped by the first of two factors. */
function chips(table, toggle) {
  const group = (place) => (table.factors.length > 1 ? table.factors[0].labels[place] : "");
  const made = table.levels.map((places, level) => {
    const element = button("", () => toggle(level)), words = table.factors.at(-1).labels[places.at(-1)];
    element.className = "chip";
    element.setAttribute("aria-label", nameOf(table, level));
    return { element, words, group: group(places[0]) };
  });
  const rows = [...new Set(made.map((one) => one.group))].map((name) => make("div", { className: "chips" },
    ...(name ? [make("span", { className: "family", textContent: name })] : []),
    ...made.filter((one) => one.group === name).map(({ element }) => element)));
  const show = (shown) => made.forEach(({ element, words }, level) => {
    const place = shown.indexOf(level);
    element.setAttribute("aria-pressed", String(place >= 0));
    element.innerHTML = place >= 0 ? swatch(place) : "";
    element.append(words);
  });
  return { elements: rows, show };
}

/** All elements of one view. `set(name, value)` and `toggle(level)` are called by the controls. */
function build(table, set, toggle) {
  const names = Object.fromEntries(table.levels.map((_, level) => [level, nameOf(table, level)]));
  const controls = {
    measure: select("Measure", measuresOf(table), (value) => set("measure", value)),
    reference: select("Compare with", names, (value) => set("reference", levelOf(table, Number(value)))),
  };
  if (table.factors.length > 1) controls.contrast = select("Compare as", CONTRASTS, (value) => set("contrast", value));
  const curve = select("Curve", Object.fromEntries(table.curves.map((name) => [name, plain(name)])), (value) => set("curve", value));
  const levels = figure("first"), differences = figure("first"), curves = figure("lines"), picks = chips(table, toggle);
  const verdict = make("p", { className: "verdict" }), numbers = tablePart("Table of these numbers");
  const saves = { levels: download("Download as CSV"), curves: download("Download all curves as CSV") };
  verdict.setAttribute("aria-live", "polite");
  const look = make("p", { className: "look" }, make("b", { textContent: "What to look for. " }),
    "A difference counts only where its interval leaves zero out. Change the level to compare with, and see which of them these seeds cannot tell apart.");
  const question = make("p", { className: "question", textContent: table.question || plain(table.slug) });
  const warning = make("p", { className: "warning", textContent: table.warning, hidden: !table.warning });
  const lower = table.curves.length ? [make("div", { className: "picks" }, curve.element, ...picks.elements), curves.element] : [];
  const conditions = make("p", { className: "conditions" }, make("b", { textContent: "Conditions. " }), table.conditions);
  const card = make("section", { className: "cnnlab-card record" },
    styleOf("record", READER_STYLE, ROWS_STYLE, SERIES_STYLE, FILES_STYLE, OWN_STYLE), question, look, warning,
    make("div", { className: "controls" }, ...Object.values(controls).map(({ element }) => element)),
    make("div", { className: "panels" }, levels.element, differences.element), verdict, ...lower,
    numbers.element, make("div", { className: "saves" }, saves.levels.element, ...(lower.length ? [saves.curves.element] : [])), conditions);
  card.setAttribute("aria-label", `Record explorer: ${plain(table.slug)}`);
  card.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys
  return { card, controls: { ...controls, curve }, levels, differences, curves, picks, verdict, numbers, saves };
}

const headings = (table, level) => {
  const place = table.levels[level][0], before = table.levels[level - 1]?.[0];
  return table.factors.length > 1 && place !== before ? table.factors[0].labels[place] : "";
};
const rowStart = (table, row) => ({ label: table.factors.at(-1).labels[table.levels[row.level].at(-1)], heading: headings(table, row.level) });

/** The numbers beside a row. */
function valueText({ seeds, diverged, mean, deviation }) {
  if (diverged === seeds.length) return "all diverged";
  if (!Number.isFinite(mean)) return diverged ? `${diverged} diverged` : "no number";
  return seeds.length < 2 ? digits4(mean) : spreadNumbers(mean, deviation);
}

function drawLevels({ levels: view }, { table, measure, rows }) {
  const unit = isAccuracy(measure) ? " %" : "", says = measuresOf(table)[measure];
  const drawn = rows.map((row) => ({
    ...rowStart(table, row), center: row.mean, half: row.deviation || 0,
    text: valueText(row),
    dots: row.seeds.map(({ seed, value, ended }) => ({ value, crossed: Boolean(ended), words: `${row.name}, seed ${seed}: ${digits4(value)}${unit}${ended && `, ${ended}`}` })),
    words: levelWords(row, unit),
  }));
  const linear = measure === "test_accuracy" && table.linear !== null ? { value: table.linear } : null;
  const panel = rowsPanel({ rows: drawn, mark: linear, name: says + (unit && ", %"), width: view.width() });
  const note = `dots: seeds; circle and bar: mean ± standard deviation${panel.marked ? "; dashed: a linear model on the same pixels" : ""}`;
  view.draw(`Each level of ${table.factors.map(({ name }) => plain(name)).join(" and ")}`, note, panel, `Chart of ${says} at ${rows.length} levels. ${drawn.map(({ words }) => words).join(". ")}.`);
}

function drawDifferences({ differences: view }, { table, measure, reference, rows, kind }) {
  const unit = isAccuracy(measure) ? " points" : "", home = nameOf(table, reference), rest = `${home} is the level to compare with`;
  const drawn = rows.map((row) => {
    const { against } = row, found = against?.interval, pair = pairWords(table, row, reference, kind);
    if (!against) return { ...rowStart(table, row), center: 0, half: 0, open: true, text: restWords(row, kind), dots: [], words: kind === "difference" ? rest : `${row.name}: ${restWords(row, kind)}` };
    const text = !found ? "one seed" : Number.isNaN(found.mean) ? "no number" : found.sees ? intervalNumbers(found) : "cannot tell";
    const dots = against.seeds.map(({ seed, value, ended }) => ({ value, crossed: Boolean(ended), words: `${pair}, seed ${seed}: ${value > 0 ? "+" : ""}${digits4(value)}${unit}` }));
    return { ...rowStart(table, row), center: found ? found.mean : against.seeds[0]?.value ?? NaN, half: found?.half || 0, open: !found?.sees, text, dots, words: againstWords(pair, row, unit) };
  });
  const panel = rowsPanel({ rows: drawn, mark: { value: 0, always: true }, name: `${CONTRASTS[kind]}, ${measuresOf(table)[measure]}${unit && ", points"}`, width: view.width() });
  const what = kind === "difference" ? `Difference to ${home}` : `Beyond what each factor does alone, against ${home}`;
  view.draw(what, "seed by seed: mean and 95 % interval; gray and open where it contains zero", panel, `Chart. ${what}. ${drawn.map(({ words }) => words).join(". ")}.`);
}

function drawCurves({ curves: view, picks }, { table, curve, shown }) {
  const unit = isAccuracy(curve) ? " %" : "";
  const curves = shown.map((level, series) => ({ ...curvesOf(table, curve, level), series }));
  picks.show(shown);
  const lost = curves.filter(({ diverged }) => diverged).map(({ name, diverged, seeds }) => `${name}: ${diverged} of ${seeds.length} diverged`);
  const note = ["thin: a seed; thick: the mean of the runs that finished", ...lost].join("; ");
  const ends = curves.map(({ name, mean: { steps, values } }) => (steps.length ? `${name} ends at ${digits4(values.at(-1))}${unit} after ${steps.at(-1)} steps` : `${name} has no run that finished`));
  view.draw(plain(curve) + (unit && ", %"), shown.length ? note : "choose a level above", curvesPanel({ curves, unit, width: view.width() }),
    `Line chart of ${plain(curve)} over the steps. ${ends.join(". ")}.`);
}

function drawTables({ numbers, saves }, { table, measure, reference, rows, kind }) {
  const found = levelsTable(table, rows, kind), says = measuresOf(table)[measure];
  const caption = `${says}, compared with ${nameOf(table, reference)}${isAccuracy(measure) ? "; percent and points" : ""}`;
  numbers.scroll.replaceChildren(tableOf(found, caption, table.factors.length, digits4));
  saves.levels.offer(`${table.slug}-${measure}${kind === "difference" ? "" : `-${kind}`}.csv`, csv(found));
  saves.curves.offer(`${table.slug}-curves.csv`, csv(curvesTable(table)));
}

/** Keeps one view in step with the model's traits. */
function render({ model, el }) {
  const table = model.get("table");
  const put = putInto(model), set = (name, value) => put({ [name]: value });
  const toggle = (level) => {
    const now = model.get("shown"), place = now.findIndex((named) => placeOf(table, named) === level);
    const kept = place >= 0 ? now.filter((_, i) => i !== place) : now.slice(now.length >= SERIES ? 1 : 0);
    set("shown", place >= 0 ? kept : [...kept, levelOf(table, level)]);
  };
  const draw = () => {
    const [measure, curve, kind] = ["measure", "curve", "contrast"].map((name) => model.get(name)), reference = placeOf(table, model.get("reference"));
    const state = { table, measure, curve, reference, kind, rows: rowsOf(table, measure, reference, kind), shown: model.get("shown").map((one) => placeOf(table, one)) };
    Object.entries({ measure, curve, reference, contrast: kind }).forEach(([name, value]) => view.controls[name]?.show(value));
    drawLevels(view, state);
    drawDifferences(view, state);
    if (table.curves.length) drawCurves(view, state);
    drawTables(view, state);
    view.verdict.textContent = findings(state);
  };
  const view = build(table, set, toggle);
  el.append(view.card);
  const following = follow(model, TRAITS, view.card, draw);
  return () => {
    following.end();
    Object.values(view.saves).forEach(({ end }) => end());
  };
}

const OWN_STYLE = `
.cnnlab-card .question { font-weight: 650; font-size: 16px; margin-bottom: 6px; text-wrap: pretty; }
.cnnlab-card .warning { border: 1px solid var(--bad); color: var(--bad); font-weight: 600; border-radius: 6px; padding: 8px 12px; margin-bottom: 14px; }
.cnnlab-card .picks { border-top: 1px solid var(--line); margin-top: 16px; padding-top: 14px; display: grid; gap: 6px; margin-bottom: 10px; }
.cnnlab-card .picks .control { max-width: 260px; margin-bottom: 4px; }
.cnnlab-card .chips { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.cnnlab-card .family { font-size: 13px; font-weight: 600; min-width: 6.5em; }
.cnnlab-card button.chip { height: 30px; font-size: 13px; display: inline-flex; align-items: center; gap: 6px; }
.cnnlab-card button.chip[aria-pressed="true"] { border-color: var(--ink); font-weight: 600; }
.cnnlab-card .conditions { margin-top: 14px; padding-top: 12px; border-top: 1px solid var(--line); font-size: 13px; color: var(--muted); overflow-wrap: anywhere; }
`;

export { contrastOf, csv, curvesOf, curvesTable, intervalWords, levelsTable, measuresOf, rowsOf, termsOf, valuesOf, wordOf };
export default { render };
