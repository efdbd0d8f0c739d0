"""A page with one widget drawn from a small model of its own, as anywidget gives it: `window.model`, `window.lab`."""

import json

from cnnlab.widgets.assemble import esm

MODEL = """
const traits = %s, listeners = [];
window.model = {
  get: (name) => traits[name],
  set(name, value) {
    if (JSON.stringify(traits[name]) === JSON.stringify(value)) return;
    traits[name] = value;
    listeners.filter(([event]) => event === `change:${name}`).forEach(([, listener]) => listener());
  },
  on: (event, listener) => listeners.push([event, listener]),
  off: (event, listener) => listeners.splice(listeners.findIndex((one) => one[0] === event && one[1] === listener), 1),
  save_changes: () => { window.saved = (window.saved ?? 0) + 1; },
  listening: () => listeners.length,
};
const url = URL.createObjectURL(new Blob([%s], { type: "text/javascript" }));
import(url).then((lab) => {
  window.cleanups = [...document.querySelectorAll("main > div")].map((el) => lab.default.render({ model, el }));
  window.lab = lab;
});
"""


def page_of(folder, widget, name, views=1, theme="light"):
    """Write the page and give its address; `name` is the widget's file without suffix, `views` how often it is drawn."""
    state = widget.get_state()
    state = {key: state[key] for key in state if not key.startswith("_") and key != "layout"}
    script = (MODEL % (json.dumps(state), json.dumps(esm(name)))).replace("</", "<\\/")
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{name}</title>"
    body = f"<main><h1>{name}</h1>{'<div></div>' * views}</main><script>{script}</script>"
    file = folder / "page.html"
    file.write_text(f"<!doctype html><html lang=en data-theme='{theme}'>{head}<body>{body}", "utf8")
    return file.as_uri()


def focus(page, role, name, most=30):
    """Reach a control by the Tab key alone."""
    wanted = page.get_by_role(role, name=name)
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("(field) => field === document.activeElement"):
            return wanted
    raise AssertionError(f"{role} {name} is not reached by Tab")
