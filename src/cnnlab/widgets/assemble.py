"""One module text for each widget: the browser cannot follow an import from a Blob URL, so Python joins the files."""

import base64
import re
from functools import cache
from importlib.resources import files

IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?:lib/)?(\w+)\.js";\n', re.MULTILINE)
SPACE = re.compile(r"^\s*(?://.*|/\*\*[\s\S]*?\*/)\n|^\s+", re.MULTILINE)  # only comments that fill a line


@cache
def esm(name: str) -> str:
    """`<name>.js` after every `lib/*.js` it imports, each once, without `import` lines, indentation and comments.

    Every widget of a page carries a copy. The files share one scope then: a name declared in two of them is a syntax
    error in the browser, and in the test.
    """
    own, libraries = _read(f"{name}.js"), {}
    _collect(own, libraries)
    return SPACE.sub("", "\n".join([*libraries.values(), IMPORT.sub("", own)]))


@cache
def script(name: str) -> str:
    """`lib/<name>.js` after every file it imports, as a classic script: no `export`, every name of the files global.

    A page opened from a file may start it as a worker from a Blob URL, which it may not with a module.
    """
    text, libraries = f'import {{ }} from "./lib/{name}.js";\n', {}
    _collect(text, libraries)
    return SPACE.sub("", "\n".join(['"use strict";', *libraries.values()]))


def packed_digits() -> str:
    """The 1797 shipped digits as base64 of their zlib file, 59 kB: labels, then 64 bytes an image, 0 to 16."""
    return base64.b64encode((files("cnnlab") / "data" / "digits.bin").read_bytes()).decode()


def _collect(text: str, libraries: dict[str, str]) -> None:
    for name in IMPORT.findall(text):
        if name not in libraries:
            library = _read(f"lib/{name}.js")
            _collect(library, libraries)
            libraries[name] = re.sub(r"^export ", "", IMPORT.sub("", library), flags=re.MULTILINE)


def _read(path: str) -> str:
    return (files("cnnlab") / "widgets" / path).read_text(encoding="utf-8")
