"""A card under a notebook's cell: right, or not yet right and a hint. Where no notebook runs, plain text and errors."""

import html
import linecache
import sys
import textwrap
import traceback

# Color is never the only sign. Both colors stand out on white and on black; the text takes the page's own color.
GREEN, RED = ("✓", "Right", "#1a9850"), ("✗", "Not yet right", "#d7304f")
CARD = (
    '<div style="margin: 2px 0; padding: 4px 12px; border-left: 5px solid {color}; background-color: {color}1f; '
    'overflow-wrap: anywhere"><b>{mark} {verdict}</b>&ensp;{words}{hint}</div>'
)
WIDTH = 80  # `nbgrader validate` cuts off longer lines


class Wrong(AssertionError):
    """A failed check in a notebook. Its card says all, so that IPython is given a few lines in place of its traceback."""

    def _render_traceback_(self) -> list[str]:
        frames = traceback.extract_tb(self.__traceback__)[1:2]  # the first is IPython's, the second the cell's
        asked = [_shortened(linecache.getlines(each.filename)[each.lineno - 1 : each.end_lineno]) for each in frames]
        message = textwrap.wrap(f"AssertionError: {self}", WIDTH)
        return [*asked, *message, *getattr(self, "__notes__", [])]


def right(words: str) -> None:
    """Draw a green card; a line of text where no notebook runs."""
    if _shell() is None:
        print("right:", words)
    else:
        _draw(*GREEN, words)


def wrong(complaint: str, hint: str = "") -> AssertionError:
    """The error to raise, its message the complaint and the hint; in a notebook a red card is drawn as well."""
    message = f"{complaint}. {hint}".strip()
    if _shell() is None:
        return AssertionError(message)
    _draw(*RED, f"{complaint}.", hint)
    return Wrong(message)


def _draw(mark: str, verdict: str, color: str, words: str, hint: str = "") -> None:
    below = f"<br>Hint: {html.escape(hint)}" if hint else ""
    card = CARD.format(color=color, mark=mark, verdict=verdict, words=html.escape(words), hint=below)
    plain = f"{verdict.lower()}: {words} {hint}".strip()
    _shell().display_pub.publish({"text/plain": plain, "text/html": card})


def _shell():
    """IPython's shell where one runs this code, else None. IPython is not imported for that."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _shortened(lines: list[str]) -> str:
    """The code in one line, up to the hint, which the message ends with."""
    code, hint, _ = " ".join(line.strip() for line in lines).partition("hint=")
    return f"{code[: WIDTH - 2].rstrip()} …" if hint or len(code) > WIDTH else code
