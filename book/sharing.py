"""A Sphinx extension of this book: a page keeps one copy of the texts that its widgets have in common.

Each saved widget carries its whole module, and the training lab its worker and the digits. In the page's state a long text
becomes `{"$texts": [3, 0, 7]}`, places in the list `texts` beside `state`; widgets/mount.js joins them again, line by line.
"""

import json
from functools import cache
from importlib.resources import files

from myst_nb.sphinx_ import NbMetadataCollector

from cnnlab.widgets.assemble import esm, esm_parts, script, script_parts

LONG = 1000  # characters from which a text is kept apart


@cache
def _parts() -> dict[str, tuple[str, ...]]:
    """Each text that Python joined from several files, with the texts of the files."""
    names = [file.name.removesuffix(".js") for file in files("cnnlab.widgets").iterdir() if file.name.endswith(".js")]
    return {esm(name): esm_parts(name) for name in names} | {script("members"): script_parts("members")}


def shared(body: str) -> str:
    """The state of a page's widgets with every long text once; a state that is already so stays as it is."""
    saved = json.loads(body)
    places: dict[str, int] = {}

    def kept(value: object) -> object:
        if not isinstance(value, str) or len(value) < LONG:
            return value
        return {"$texts": [places.setdefault(part, len(places)) for part in _parts().get(value, (value,))]}

    if "texts" not in saved:
        for model in saved["state"].values():
            model["state"] = {name: kept(value) for name, value in model["state"].items()}
        saved["texts"] = list(places)
    return json.dumps(saved).replace("</", "<\\/")  # a closing tag in a text would end the script element


def share(app, page: str, *_rest) -> None:
    """Sphinx's hook before a page is written: its state changed in place, for myst-nb to put into the page."""
    if entry := NbMetadataCollector.get_js_files(app.env, page).get("ipywidgets_state"):
        entry[1]["body"] = shared(entry[1]["body"])


def setup(app) -> dict:
    app.connect("html-page-context", share, priority=400)  # myst-nb's own comes at 500
    return {"version": "1", "parallel_read_safe": True}
