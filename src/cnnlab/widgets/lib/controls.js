// Native controls with a label, a value and nothing else: the browser makes them work from the keyboard.

/** A new element: make("p", { className: "note" }, "text", child, ...). */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** A labeled list; `options` are {value: text}. `show(value)` moves it without telling anybody, `lock(why)` stops it, or frees it. */
export function select(label, options, changed) {
  const field = make("select", {}, ...Object.entries(options).map(([value, textContent]) => make("option", { value, textContent })));
  field.addEventListener("change", () => changed(field.value));
  const name = make("span", { textContent: label }), element = make("label", { className: "control" }, name, field);
  const lock = (why) => {
    field.disabled = Boolean(why);
    element.title = why;
    name.textContent = why ? `${label} (${why})` : label;
  };
  return { element, lock, show: (value) => { field.value = value; }, allows: (value) => Object.hasOwn(options, value) };
}

/** A labeled slider; `scale` turns its position into the value and back, `format` the value into text. Its last step ends at `max`. */
export function slider(label, { min, max, step, format = String, scale = IDENTITY }, changed) {
  const first = scale.position(min), steps = Math.ceil((scale.position(max) - first) / step - 1e-6);
  const field = make("input", { type: "range", min: first, max: Number((first + steps * step).toFixed(6)), step });
  const value = make("span", { className: "value" });
  value.setAttribute("aria-hidden", "true"); // the slider says it itself
  field.setAttribute("aria-label", label);
  const name = make("span", {}, `${label} `, value);
  const say = (now) => {
    value.textContent = format(now);
    field.setAttribute("aria-valuetext", format(now));
  };
  const show = (now) => {
    field.value = scale.position(now);
    say(now);
  };
  field.addEventListener("input", () => {
    const now = Math.min(max, scale.value(field.valueAsNumber));
    say(now);
    changed(now);
  });
  const allows = (now) => now >= min && now <= max && (!Number.isInteger(step) || Number.isInteger(now));
  return { element: make("label", { className: "control" }, name, field), field, show, allows };
}

const IDENTITY = { position: (value) => value, value: (position) => position };

/** A slider's scale where each step multiplies. */
export const LOGARITHMIC = {
  position: (value) => Math.round(Math.log10(value) * 1000) / 1000,
  value: (position) => Number((10 ** position).toPrecision(2)),
};

export function button(textContent, pressed) {
  const element = make("button", { type: "button", textContent });
  element.addEventListener("click", pressed);
  return element;
}
