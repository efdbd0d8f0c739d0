"""One module text for each widget: the browser cannot follow an import from a Blob URL, so Python joins the files."""

import base64
import re
from functools import cache
from importlib.resources import files

IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?:lib/)?(\w+)\.js";\n', re.MULTILINE)
SPACE = re.compile(r"^\s*(?://.*|/\*\*[\s\S]*?\*/)\n|^\s+", re.MULTILINE)  # only comments that fill a line


def esm(name: str) -> str:
    """`<name>.js` after every `lib/*.js` it imports, each once, without `import` lines, indentation and comments.

    The files share one scope then: a name declared in two of them is a syntax error in the browser, and in the test.
    """
    return "\n".join(esm_parts(name))


def script(name: str) -> str:
    """`lib/<name>.js` after every file it imports, as a classic script: no `export`, every name of the files global.

    A page opened from a file may start it as a worker from a Blob URL, which it may not with a module.
    """
    return "\n".join(script_parts(name))


@cache
def esm_parts(name: str) -> tuple[str, ...]:
    """The files of `esm(name)`, one text each: the book keeps one copy of those that two widgets of a page share."""
    own, libraries = _read(f"{name}.js"), {}
    _collect(own, libraries)
    return tuple(_bare(text) for text in (*libraries.values(), own))


@cache
def script_parts(name: str) -> tuple[str, ...]:
    """The files of `script(name)`, one text each."""
    libraries: dict[str, str] = {}
    _collect(f'import {{ }} from "./lib/{name}.js";\n', libraries)
    return ('"use strict";', *map(_bare, libraries.values()))


def packed_digits() -> str:
    """The 1797 shipped digits as base64 of their zlib file, 59 kB: labels, then 64 bytes an image, 0 to 16."""
    return base64.b64encode((files("cnnlab") / "data" / "digits.bin").read_bytes()).decode()


def _collect(text: str, libraries: dict[str, str]) -> None:
    for name in IMPORT.findall(text):
        if name not in libraries:
            library = _read(f"lib/{name}.js")
            _collect(library, libraries)
            libraries[name] = re.sub(r"^export ", "", library, flags=re.MULTILINE)


def _bare(text: str) -> str:
    return SPACE.sub("", IMPORT.sub("", text)).rstrip()


def _read(path: str) -> str:
    return (files("cnnlab") / "widgets" / path).read_text(encoding="utf-8")
