// Convolution arithmetic: a window slides over a digit, and every number of the layer is written out.
import { follow, putInto } from "./lib/follow.js";
import { costs, outSize, stacked, unreadPixels } from "./lib/layer.js";
import { convolve, kernelOf, pictureOf } from "./lib/kernels.js";
import { SETTINGS, build, cellSide, drawGrids, drawNumbers, drawPlace } from "./lib/layerview.js";

const KEYS = { ArrowRight: (i) => i + 1, ArrowLeft: (i) => i - 1, ArrowDown: (i, side) => i + side, ArrowUp: (i, side) => i - side,
  Home: () => 0, End: (i, side) => side * side - 1 };

/** Everything that follows from the settings, and nothing of where the window stands. */
function computed(settings, digits) {
  const picture = pictureOf(digits.subarray(64 * settings.digit, 64 * settings.digit + 64), settings.size);
  const kernel = kernelOf(settings.kernel, settings.kernel_size), { sees, jump } = stacked(settings, settings.layers);
  const { weights, ...cost } = costs(settings), side = outSize(settings);
  const numbers = { output_size: side || null, unread: unreadPixels(settings), receptive_field: sees, jump, ...cost };
  return { settings, picture, kernel, side, map: convolve(settings, picture, kernel), numbers };
}

/** Moves the window over the outputs, step by step or by a clock. `now()` is what is shown, `draw` shows the new place. */
function stepper(now, draw) {
  const state = { index: null, playing: false }, still = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0;
  const move = (index) => { state.index = Math.min(Math.max(index, 0), now().map.length - 1); draw(); };
  const stop = () => { clearTimeout(timer); state.playing = false; };
  const jump = (index) => { stop(); move(index); };
  const step = (by) => jump((state.index + by + now().map.length) % now().map.length); // past an end it begins at the other
  const tick = () => {
    if (state.index + 1 >= now().map.length) return jump(state.index);
    move(state.index + 1);
    return wait();
  };
  // A large map takes some 15 seconds, a small one half a second a step; with reduced motion one jump a second.
  const wait = () => { timer = setTimeout(tick, still.matches ? 1000 : Math.min(500, Math.max(60, 15000 / now().map.length))); };
  const play = () => {
    if (state.playing) return jump(state.index);
    state.playing = true;
    move(state.index + 1 < now().map.length ? state.index : 0);
    return wait();
  };
  /** After the map changed from side `old`: stay near the old place. It begins one place in from the corner. */
  const settle = (old) => {
    stop();
    const at = state.index ?? old + 1, { side } = now();
    state.index = side ? Math.min(Math.floor(at / old), side - 1) * side + Math.min(at % old, side - 1) : 0;
  };
  return { state, stop, jump, step, play, settle };
}

/** Arrow keys anywhere around the pictures, and the pointer over the output. */
function listen(view, now, { state, jump }) {
  const point = (event) => {
    const { left, top, width } = view.output.chart.querySelector("svg")?.getBoundingClientRect() ?? {};
    const cell = (from) => Math.floor((from / width) * now().side);
    const column = cell(event.clientX - left), row = cell(event.clientY - top);
    if (Math.min(row, column) >= 0 && Math.max(row, column) < now().side) jump(row * now().side + column);
  };
  view.output.chart.addEventListener("click", point);
  view.output.chart.addEventListener("pointermove", (event) => { // a pointer on its way does not end the animation, a click does
    if (event.pointerType === "mouse" && !state.playing) point(event);
  });
  view.desk.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || !now().side || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const wanted = KEYS[event.key](state.index, now().side);
    jump(wanted >= 0 && wanted < now().map.length ? wanted : state.index);
  });
}

/** Keeps one view in step with the model's traits. Where the window stands belongs to the view alone. */
function render({ model, el }) {
  let shown = null, cell = 0, digits = null;
  const put = putInto(model);
  const now = () => shown;
  const steps = stepper(now, () => drawPlace(view, shown, steps.state, cell));
  const view = build({ set: (name, value) => put({ [name]: value }), step: steps.step, play: steps.play });
  listen(view, now, steps);

  const draw = () => {
    digits ??= Uint8Array.from(atob(model.get("images")), (character) => character.charCodeAt(0));
    const settings = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
    const old = (shown?.side ?? outSize(settings)) || 1;
    shown = computed(settings, digits);
    steps.settle(old);
    SETTINGS.forEach((name) => view.controls[name].show(settings[name]));
    drawNumbers(view, shown);
    cell = cellSide(shown, view.stage.clientWidth || 640); // 0 where the card is not shown yet
    drawGrids(view, shown, cell);
    drawPlace(view, shown, steps.state, cell);
    put({ numbers: shown.numbers });
  };

  el.append(view.card);
  const following = follow(model, SETTINGS, view.stage, draw);
  return () => {
    steps.stop();
    following.end();
  };
}

export { computed };
export default { render };
