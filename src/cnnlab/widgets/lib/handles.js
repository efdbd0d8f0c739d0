// Places of a picture that are dragged, or moved with the arrow keys; sliders for a screen reader.
import { make } from "./controls.js";

const MOVES = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
const within = ({ low, high }, value) => Math.min(Math.max(value, low), high);

/** A layer over a picture. A handle is {name, label, axis, x, y, value, words, low, high, moved(n), at(x, y), set(value)}. */
export function handleLayer(held) {
  const layer = make("div", { className: "handles" }), made = new Map();
  const add = (name) => {
    const element = make("div", { className: "handle", tabIndex: 0 }), one = { element, spec: null };
    const put = (value) => one.spec.set(within(one.spec, value));
    let dragging = false;
    element.setAttribute("role", "slider");
    element.addEventListener("pointerdown", (event) => {
      dragging = true;
      element.setPointerCapture(event.pointerId);
      element.focus();
      event.preventDefault();
      held(true);
    });
    element.addEventListener("pointermove", ({ clientX, clientY }) => {
      if (!dragging) return;
      const box = layer.getBoundingClientRect();
      put(one.spec.at(clientX - box.left, clientY - box.top));
    });
    const release = () => { if (dragging) { dragging = false; held(false); } };
    element.addEventListener("pointerup", release);
    element.addEventListener("pointercancel", release);
    element.addEventListener("keydown", (event) => {
      const { low, high, moved } = one.spec, ends = { Home: low, End: high };
      if (!(event.key in MOVES || event.key in ends) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      put(event.key in ends ? ends[event.key] : moved(MOVES[event.key]));
    });
    layer.append(element);
    made.set(name, one);
    return one;
  };
  const update = (specs) => {
    specs.forEach((spec) => {
      const one = made.get(spec.name) ?? add(spec.name), { element } = one;
      one.spec = spec;
      Object.assign(element.style, { left: `${spec.x}px`, top: `${spec.y}px` });
      element.classList.toggle("across", spec.axis === "x");
      const said = { label: spec.label, valuemin: spec.low, valuemax: spec.high, valuenow: spec.value, valuetext: spec.words,
        orientation: spec.axis === "x" ? "horizontal" : "vertical" };
      Object.entries(said).forEach(([name, value]) => element.setAttribute(`aria-${name}`, value));
    });
    made.forEach(({ element }, name) => {
      if (!specs.some((spec) => spec.name === name)) { element.remove(); made.delete(name); }
    });
  };
  return { element: layer, update };
}

export const HANDLES_STYLE = `
.cnnlab-card .stage { position: relative; }
.cnnlab-card .handles { position: absolute; inset: 0; pointer-events: none; }
.cnnlab-card .handle { position: absolute; width: 32px; height: 32px; margin: -16px 0 0 -16px; pointer-events: auto; touch-action: none; cursor: ns-resize; border-radius: 50%; }
.cnnlab-card .handle.across { cursor: ew-resize; }
.cnnlab-card .handle::after { content: ""; position: absolute; inset: 8px; border-radius: 50%; background: var(--ground); border: 3px solid var(--second); }
.cnnlab-card .handle.across::after { border-radius: 3px; transform: rotate(45deg) scale(0.85); }
.cnnlab-card .handle:focus-visible { outline: 3px solid var(--second); outline-offset: -2px; }
`;
