"""Pages with one widget: drawn from a model as anywidget gives it (`window.model`, `window.lab`), or by the book's mount."""

import json
from contextlib import closing, contextmanager

from conftest import ROOT

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


def state_of(widget) -> dict:
    """The widget's own traits."""
    return {name: value for name, value in widget.get_state().items() if not name.startswith("_") and name != "layout"}


def page_of(folder, widget, name, views=1, theme="light"):
    """Write the page and give its address; `name` is the widget's file without suffix, `views` how often it is drawn."""
    script = (MODEL % (json.dumps(state_of(widget)), json.dumps(esm(name)))).replace("</", "<\\/")
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{name}</title>"
    body = f"<main><h1>{name}</h1>{'<div></div>' * views}</main><script>{script}</script>"
    file = folder / "page.html"
    file.write_text(f"<!doctype html><html lang=en data-theme='{theme}'>{head}<body>{body}", "utf8")
    return file.as_uri()


@contextmanager
def page_to_ask(chromium, address, **settings):
    """A page in a context of its own, with the widget's module as `window.lab`: for tests that call its functions."""
    with closing(chromium.new_context(**settings)) as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_function("window.lab")
        yield page


def mounted_page(folder, widget):
    """The page as myst-nb writes it, with the book's own script; its address."""
    model = {"state": {name: value for name, value in widget.get_state().items() if name != "layout"}}
    saved = json.dumps({"version_major": 2, "version_minor": 0, "state": {"a": model}}).replace("</", "<\\/")
    tag = '<script type="application/vnd.jupyter.widget-{}+json">{}</script>'
    mount = f'<script src="{(ROOT / "book/site/widgets/mount.js").as_uri()}"></script>'
    view = tag.format("view", json.dumps({"model_id": "a"}))
    text = f"<!doctype html><meta charset='utf-8'><body>{tag.format('state', saved)}{mount}{view}"
    (folder / "page.html").write_text(text, "utf8")
    return (folder / "page.html").as_uri()


def focus(page, role, name, most=30, exact=False):
    """Reach a control by the Tab key alone."""
    wanted = page.get_by_role(role, name=name, exact=exact)
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("(field) => field === document.activeElement"):
            return wanted
    raise AssertionError(f"{role} {name} is not reached by Tab")
