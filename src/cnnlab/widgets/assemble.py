"""One module text for each widget: the browser cannot follow an import from a Blob URL, so Python joins the files."""

import re
from functools import cache
from importlib.resources import files

IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?:lib/)?(\w+)\.js";\n', re.MULTILINE)
SPACE = re.compile(r"^\s*(?://|/\*\*).*\n|^\s+", re.MULTILINE)  # only comments that fill a line


@cache
def esm(name: str) -> str:
    """`<name>.js` after every `lib/*.js` it imports, each once, without `import` lines, indentation and comments.

    Every widget of a page carries a copy. The files share one scope then: a name declared in two of them is a syntax
    error in the browser, and in the test.
    """
    own, libraries = _read(f"{name}.js"), {}
    _collect(own, libraries)
    return SPACE.sub("", "\n".join([*libraries.values(), IMPORT.sub("", own)]))


def _collect(text: str, libraries: dict[str, str]) -> None:
    for name in IMPORT.findall(text):
        if name not in libraries:
            library = _read(f"lib/{name}.js")
            _collect(library, libraries)
            libraries[name] = re.sub(r"^export ", "", IMPORT.sub("", library), flags=re.MULTILINE)


def _read(path: str) -> str:
    return (files("cnnlab") / "widgets" / path).read_text(encoding="utf-8")
