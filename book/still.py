"""A Sphinx extension of this book: where a widget stands, a sentence for readers whose browser runs no JavaScript."""

from docutils import nodes

VIEW = '<script type="application/vnd.jupyter.widget-view+json">'
SENTENCE = (
    "The picture above stands still. With JavaScript switched on, a widget appears here that moves it as you like."
)
NOTE = f'<noscript><p class="widget-note">{SENTENCE}</p></noscript>'


def add_sentences(app, doctree, docname) -> None:
    """Sphinx's hook: after every view of a widget that myst-nb wrote, the sentence."""
    for view in list(doctree.findall(nodes.raw)):
        if view.astext().startswith(VIEW):
            view.parent.insert(view.parent.index(view) + 1, nodes.raw("", NOTE, format="html"))


def setup(app) -> dict:
    app.connect("doctree-resolved", add_sentences)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
