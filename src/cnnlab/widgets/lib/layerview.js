// The elements of the convolution widget, and how they are drawn from what was computed. Knows no model.
import { divides, fitProblem, groupsProblem, span } from "./layer.js";
import { KERNEL_NAMES, products, sumOf } from "./kernels.js";
import { channelGrid, figureOf, inputGrid, kernelGrid, outputGrid, windowShift } from "./grids.js";
import { formulas, mapWords, sumLines } from "./formulas.js";
import { button, make, select, slider } from "./controls.js";
import { GRID_STYLE, LEGEND } from "./gridstyle.js";
import { styleOf } from "./style.js";

const RANGES = { size: [4, 16], kernel_size: [1, 7], stride: [1, 4], padding: [0, 4], dilation: [1, 4],
  in_channels: [1, 16], out_channels: [1, 16], groups: [1, 16], layers: [1, 6] };
export const SETTINGS = [...Object.keys(RANGES), "kernel", "digit"];
const DIGIT_NAMES = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [i, i]));
const square = (side) => `${side} × ${side}`;
const LABELS = {
  size: ["Input size", square], kernel_size: ["Kernel size", square], stride: ["Stride", String], padding: ["Padding", String],
  dilation: ["Dilation", String], in_channels: ["In channels", String], out_channels: ["Out channels", String],
  groups: ["Groups", String], layers: ["Such layers in a row", String],
};
const ONE_CHANNEL = "This is one channel. An output of the layer adds up such a sum, each with weights of its own, from every input "
  + "channel of its group, and a bias.";
const WIDE = 600, LARGEST = 26;

function panel(name) {
  const caption = make("span"), chart = make("div", { className: "grid-chart" });
  chart.setAttribute("role", "img");
  return { element: make("figure", {}, make("figcaption", {}, make("b", { textContent: name }), caption), chart), caption, chart };
}

function sliders(set) {
  return Object.fromEntries(Object.entries(LABELS).map(([name, [label, format]]) => {
    const [min, max] = RANGES[name];
    return [name, slider(label, { min, max, step: 1, format }, (value) => set(name, value))];
  }));
}

/** All elements of one view; `act` holds what its controls call. */
export function build(act) {
  const controls = sliders(act.set);
  const { layers, ...upper } = controls;
  controls.kernel = select("Weights", KERNEL_NAMES, (value) => act.set("kernel", value));
  controls.digit = select("Picture", DIGIT_NAMES, (value) => act.set("digit", Number(value)));
  const input = panel("Input"), weights = panel("Kernel"), output = panel("Output"), channels = panel("Channels");
  output.chart.tabIndex = 0;
  output.chart.setAttribute("role", "application"); // a screen reader then leaves it the arrow keys
  const buttons = { back: button("◂ Back", () => act.step(-1)), play: button("Play", act.play), next: button("Step ▸", () => act.step(1)) };
  buttons.play.className = "main";
  const status = make("p", { className: "status" }), sum = make("div", { className: "sum" });
  const verdict = make("p", { className: "verdict" }), numbers = make("div", { className: "numbers" });
  numbers.setAttribute("role", "list");
  verdict.setAttribute("aria-live", "polite");
  const stage = make("div", { className: "stage" }, input.element, make("div", {}, weights.element, channels.element), output.element);
  const desk = make("div", { className: "desk" }, stage, make("div", { className: "legend", innerHTML: LEGEND }),
    make("div", { className: "buttons" }, ...Object.values(buttons), status), sum,
    make("p", { className: "note", textContent: ONE_CHANNEL }));
  const look = make("p", { className: "look" }, make("b", { textContent: "What to look for. " }),
    "Raise the stride and count: how much smaller does the map get, how many multiply-adds are saved, and which pixels does no "
    + "window read any more?");
  const card = make("section", { className: "cnnlab-card convolution" }, styleOf("convolution", GRID_STYLE), look,
    make("div", { className: "controls" }, ...[...Object.values(upper), controls.kernel, controls.digit].map(({ element }) => element)),
    verdict, desk, make("div", { className: "stack" }, layers.element), numbers);
  card.setAttribute("aria-label", "Convolution arithmetic");
  card.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys
  return { card, controls, input, weights, output, channels, buttons, status, sum, verdict, numbers, stage, desk };
}

/** The side of a cell, the same in input and output so that sizes compare. */
export function cellSide({ settings, side }, width) {
  const into = Math.max(settings.size + 2 * settings.padding, span(settings));
  const room = width < WIDE ? width / Math.max(into, side) : (width - 200) / (into + Math.max(side, 4));
  return Math.min(LARGEST, Math.floor(room));
}

export function drawGrids(view, shown, cell) {
  const { settings, picture, kernel, side, map } = shown, { kernel_size: k, in_channels: into, groups } = settings;
  view.input.chart.innerHTML = inputGrid(settings, picture, cell);
  view.input.caption.textContent = `digit ${settings.digit}, ${square(settings.size)}${settings.padding ? `, padded by ${settings.padding}` : ""}`;
  view.weights.chart.innerHTML = kernelGrid(kernel, k, Math.min(LARGEST, Math.floor(144 / k)));
  view.weights.caption.textContent = `${KERNEL_NAMES[settings.kernel]}${kernel.divisor > 1 ? `, divided by ${kernel.divisor}` : ""}`;
  view.weights.chart.setAttribute("aria-label", `Kernel, row by row: ${kernel.weights.map(figureOf).join(", ")}; divided by ${kernel.divisor}.`);
  view.output.chart.innerHTML = side ? outputGrid(map, side, cell) : "<p class='none'>no output</p>";
  view.output.caption.textContent = side ? `${square(side)}, point at a cell` : "the kernel fits nowhere";
  const valid = divides(settings);
  view.channels.chart.innerHTML = channelGrid(settings, valid);
  view.channels.caption.textContent = valid ? `each output reads ${into / groups} of ${into}` : "the groups do not go";
  view.channels.chart.setAttribute("aria-label", `${settings.out_channels} output by ${into} input channels: ${view.channels.caption.textContent}.`);
  Object.values(view.buttons).forEach((one) => { one.disabled = !side; });
}

/** Moves the window and writes its sum; outputs that an animation has not reached yet are faint. */
export function drawPlace(view, { settings, picture, kernel, side, map }, { index, playing }, cell) {
  view.buttons.play.textContent = playing ? "Pause" : "Play";
  view.status.setAttribute("aria-live", playing ? "off" : "polite");
  const unread = unreadPixels(settings), skipped = unread ? ` ${unread} pixels are never read and crossed out.` : " Every pixel is read.";
  const whole = `Digit ${settings.digit} on ${square(settings.size)} pixels.${side ? skipped : ""}`;
  if (!side) {
    view.input.chart.setAttribute("aria-label", whole);
    view.output.chart.setAttribute("aria-label", "No output.");
    view.status.textContent = view.sum.textContent = "";
    return;
  }
  const place = [Math.floor(index / side), index % side], terms = products(settings, picture, kernel, place);
  const where = `row ${place[0] + 1}, column ${place[1] + 1}`, value = figureOf(map[index]);
  view.input.chart.querySelector(".window").style.transform = windowShift(settings, place, cell);
  view.output.chart.querySelector(".window").style.transform = `translate(${place[1] * cell}px, ${place[0] * cell}px)`;
  view.output.chart.querySelectorAll(".place").forEach((one, i) => one.classList.toggle("later", playing && i > index));
  view.status.textContent = `Output ${where}: ${value}`;
  const lines = sumLines(terms, settings.kernel_size, kernel.divisor, sumOf(terms));
  view.sum.replaceChildren(...lines.map((textContent) => make("span", { textContent })));
  view.input.chart.setAttribute("aria-label", `${whole} The window stands at output ${where}.`);
  view.output.chart.setAttribute("aria-label", `Output of ${square(side)}; ${where} is ${value}. Arrow keys move the window.`);
}

export function drawNumbers(view, { settings, numbers }) {
  const rows = formulas(settings, numbers).map(([name, formula, value]) => {
    const row = make("div", {}, make("span", { textContent: name }), make("span", { className: "formula", textContent: formula }),
      make("b", { textContent: value }));
    row.setAttribute("role", "listitem");
    return row;
  });
  view.numbers.replaceChildren(...rows);
  const trouble = [fitProblem(settings, RANGES), groupsProblem(settings)].filter(Boolean);
  view.verdict.classList.toggle("trouble", trouble.length > 0);
  view.verdict.textContent = trouble.length ? trouble.join(" ") : mapWords(settings, numbers);
  const blind = settings.kernel === "edge" && settings.kernel_size === 1;
  if (blind) view.verdict.textContent += " One weight has no left and right, so the edge kernel is 0.";
}
