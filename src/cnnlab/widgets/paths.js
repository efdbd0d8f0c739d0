// Paths through a net: take a skip or a branch away and see which paths are left.
import { follow, putInto } from "./lib/follow.js";
import { histogram, pathNumbers, pathWords, waysLeft, waysOf } from "./lib/ways.js";
import { NET_STYLE, lengthBars, netDrawing } from "./lib/netdrawing.js";
import { button, make, select, slider } from "./lib/controls.js";
import { styleOf } from "./lib/style.js";

const SETTINGS = ["kind", "blocks", "branches", "removed"];
const KIND_NAMES = { residual: "residual blocks", branched: "parallel branches" };
const HINT = "A square is a layer, a circle joins what arrives. "
  + "Click a line, or reach it by Tab and press Enter or Space, to take it away or put it back.";
const MEANING = {
  residual: "Each block doubles the paths, so n blocks have 2ⁿ, most of them about n/2 layers long: taking one branch away "
    + "leaves half of them whole, where in a plain chain, which has one path, it would leave none (54 blocks, as in ResNet-110, have 2⁵⁴ = 18,014,398,509,481,984).",
  branched: "Each block multiplies the paths by its number of branches: b branches in each of n blocks make bⁿ, "
    + "and taking one branch away leaves (b − 1)/b of them.",
};

/** All elements of one view; `act` holds what its controls call. */
function build(act) {
  const controls = {
    kind: select("Net", KIND_NAMES, (value) => act.put({ kind: value, removed: [] })),
    blocks: slider("Blocks in a row", { min: 1, max: 10, step: 1 }, (value) => act.put({ blocks: value })),
    branches: slider("Branches a block", { min: 2, max: 4, step: 1 }, (value) => act.put({ branches: value })),
  };
  const net = make("div", { className: "net-chart" }), bars = make("div");
  const caption = make("span", { textContent: "outlined: the whole net's" });
  net.setAttribute("role", "group");
  bars.setAttribute("role", "img");
  const verdict = make("p", { className: "verdict" }), facts = make("p", { className: "facts" }), meaning = make("p", { className: "meaning" });
  verdict.setAttribute("aria-live", "polite");
  const look = make("p", { className: "look" }, make("b", { textContent: "What to look for. " }),
    "Take one skip or one branch away at a time: by what factor does the number of paths fall, and does the hill of lengths "
    + "move or only shrink?");
  const title = make("figcaption", {}, make("b", { textContent: "Lengths of paths" }), caption);
  const card = make("section", { className: "cnnlab-card paths" }, styleOf("paths", NET_STYLE), look,
    make("div", { className: "controls" }, ...Object.values(controls).map(({ element }) => element),
      make("div", { className: "buttons" }, button("Plain chain", act.chain), button("Put all back", () => act.put({ removed: [] })))),
    verdict, make("p", { className: "hint", textContent: HINT }), net,
    make("div", { className: "panels" }, make("figure", {}, title, bars, facts)), meaning);
  card.setAttribute("aria-label", "Paths through a net");
  card.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the keys
  return { card, controls, net, bars, verdict, facts, meaning };
}

const fact = (name, value) => make("span", {}, `${name} `, make("b", { textContent: value }));

function drawNumbers(view, settings, numbers) {
  const { paths, lengths, shortest, longest, mean } = numbers;
  view.verdict.textContent = pathWords(settings, numbers);
  view.verdict.classList.toggle("trouble", paths === 0);
  view.meaning.textContent = MEANING[settings.kind];
  view.facts.replaceChildren(fact("paths", paths.toLocaleString("en-US")), fact("shortest", shortest ?? "—"),
    fact("longest", longest ?? "—"), fact("mean", mean?.toFixed(2) ?? "—"));
  const whole = histogram(waysLeft({ ...settings, removed: [] })), left = Object.fromEntries(lengths);
  const counts = whole.map((_, length) => left[length] ?? 0);
  view.bars.innerHTML = lengthBars(counts, whole, view.bars.clientWidth || 480);
  const said = lengths.map(([length, count]) => `${count} of length ${length}`).join(", ");
  view.bars.setAttribute("aria-label", `Bar chart of ${paths} paths by length: ${said || "none"}.`);
}

/** The net anew only where its shape or the width changed, so that a switch keeps the focus. */
function drawNet(view, settings) {
  const width = view.net.clientWidth || 640, shape = JSON.stringify([settings.kind, settings.blocks, settings.branches, width]);
  if (view.net.dataset.shape !== shape) {
    view.net.innerHTML = netDrawing(settings, width);
    view.net.dataset.shape = shape;
  }
  const left = waysLeft(settings);
  view.net.querySelectorAll(".switch").forEach((one) => {
    one.setAttribute("aria-checked", left[one.dataset.block - 1].includes(Number(one.dataset.layers)));
  });
  const kind = settings.kind === "residual" ? "residual blocks" : `blocks of ${settings.branches} branches`;
  view.net.setAttribute("aria-label", `A net of ${settings.blocks} ${kind}; each line is a switch`);
}

/** Keeps one view in step with the model's traits. */
function render({ model, el }) {
  let settings = null;
  const put = putInto(model);
  const same = ([block, layers], other) => block === other[0] && layers === other[1];
  const flip = (way) => {
    const removed = model.get("removed");
    put({ removed: removed.some((one) => same(one, way)) ? removed.filter((one) => !same(one, way)) : [...removed, way] });
  };
  const chain = () => { // of each block only its longest way
    const shorter = waysOf(settings).slice(0, -1);
    put({ removed: Array.from({ length: settings.blocks }, (_, i) => shorter.map((layers) => [i + 1, layers])).flat() });
  };
  const draw = () => {
    settings = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
    const numbers = pathNumbers(waysLeft(settings));
    Object.entries(view.controls).forEach(([name, control]) => control.show(settings[name]));
    view.controls.branches.element.hidden = settings.kind === "residual"; // a control that nothing reads is not shown
    drawNet(view, settings);
    drawNumbers(view, settings, numbers);
    put({ numbers });
  };

  const view = build({ put, chain });
  const wayOf = (event) => event.target.closest?.(".switch")?.dataset;
  view.net.addEventListener("click", (event) => { const way = wayOf(event); if (way) flip([Number(way.block), Number(way.layers)]); });
  view.net.addEventListener("keydown", (event) => {
    const way = wayOf(event);
    if (!way || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    flip([Number(way.block), Number(way.layers)]);
  });
  el.append(view.card);
  return follow(model, SETTINGS, view.card, draw).end;
}

export default { render };
