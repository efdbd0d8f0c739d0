// Native controls with a label, a value and nothing else: the browser makes them work from the keyboard.

/** A new element: make("p", { className: "note" }, "text", child, ...). */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** A labeled list; `options` are {value: text}. `show(value)` moves it without telling anybody. */
export function select(label, options, changed) {
  const field = make("select", {}, ...Object.entries(options).map(([value, textContent]) => make("option", { value, textContent })));
  field.addEventListener("change", () => changed(field.value));
  const element = make("label", { className: "control" }, make("span", { textContent: label }), field);
  return { element, show: (value) => { field.value = value; } };
}

/** A labeled slider; `scale` turns its position into the value and back, `format` the value into text. */
export function slider(label, { min, max, step, format = String, scale = IDENTITY }, changed) {
  const field = make("input", { type: "range", min: scale.position(min), max: scale.position(max), step });
  const value = make("span", { className: "value" });
  value.setAttribute("aria-hidden", "true"); // the slider says it itself
  field.setAttribute("aria-label", label);
  field.addEventListener("input", () => changed(scale.value(field.valueAsNumber)));
  const name = make("span", {}, `${label} `, value);
  const show = (now) => {
    field.value = scale.position(now);
    value.textContent = format(now);
    field.setAttribute("aria-valuetext", format(now));
  };
  return { element: make("label", { className: "control" }, name, field), field, show };
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
