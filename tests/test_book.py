"""The built book is whole: links lead somewhere, pictures have words, nothing is fetched from elsewhere."""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from conftest import ROOT, book_script, chapter_pages, toc_pages

pytestmark = pytest.mark.slow
LOADED = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src", "object": "data"}


@cache
def parsed(path: Path):
    from bs4 import BeautifulSoup  # collecting these tests needs pytest alone

    return BeautifulSoup(path.read_text("utf8"), "html.parser")


def pages(book: Path) -> list[Path]:
    return sorted(p for p in book.rglob("*.html") if "_static" not in p.relative_to(book).parts)


def is_outside(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def test_every_page_of_the_toc_is_built(book):
    assert [page for page in toc_pages() if not (book / f"{page}.html").is_file()] == []


def test_the_toc_lists_every_chapter_once():
    assert sorted(chapter_pages()) == sorted(f"chapters/{path.stem}" for path in (ROOT / "chapters").glob("*.ipynb"))


def test_only_pages_of_the_toc_are_built(book):
    built = {page.relative_to(book).with_suffix("").as_posix() for page in pages(book)}
    reference = {page for page in built if page.startswith("book/api/")}
    assert built - reference - set(toc_pages()) == {"index", "search", "genindex", "py-modindex"}


def test_nothing_a_page_loads_comes_from_elsewhere(book):
    loaded = [(page.name, tag[attribute]) for page in pages(book) for name, attribute in LOADED.items()
              for tag in parsed(page).find_all(name, attrs={attribute: True})]  # fmt: skip
    assert len(loaded) > 50
    assert [pair for pair in loaded if is_outside(pair[1])] == []


def test_no_style_sheet_fetches_from_elsewhere(book):
    sheets = list(book.rglob("*.css"))
    assert any(sheet.name == "cnnlab.css" for sheet in sheets)
    fetches = re.compile(r"""(?:@import\s+|url\(\s*)['"]?(https?:)?//""")
    assert [sheet.name for sheet in sheets if fetches.search(sheet.read_text("utf8"))] == []


def target_of(page: Path, address: str) -> tuple[Path, str]:
    parts = urlsplit(address)
    return ((page.parent / unquote(parts.path)).resolve() if parts.path else page), unquote(parts.fragment)


def test_every_link_inside_the_book_leads_somewhere(book):
    broken = []
    for page in pages(book):
        links = [(t.get("href") or t.get("src"), t.name) for t in parsed(page).find_all(["a", "link", "script", "img"])]
        for address, tag in links:
            if not address or is_outside(address) or address.startswith(("mailto:", "data:")):
                continue
            target, fragment = target_of(page, address)
            found = target.is_file()
            if found and fragment and tag == "a" and target.suffix == ".html":
                found = fragment == "" or parsed(target).find(attrs={"id": fragment}) is not None
            if not found:
                broken.append((page.name, address))
    assert broken == []


def test_every_picture_has_alternative_text(book):
    """myst-nb puts the file's name where an author gave no text; that is not a text."""
    pictures = [
        (page.name, img["src"], img.get("alt", "")) for page in pages(book) for img in parsed(page).find_all("img")
    ]
    assert [p for p in pictures if not p[2].strip() or re.search(r"\.(png|svg|jpe?g)$", p[2])] == []


@pytest.mark.parametrize("page", chapter_pages())
def test_the_colab_button_opens_the_chapters_notebook(book, page):
    import yaml

    repository = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["repository"]
    name = repository["url"].removeprefix("https://github.com/")
    links = [a["href"] for a in parsed(book / f"{page}.html").select('a[href^="https://colab.research.google.com"]')]
    assert f"https://colab.research.google.com/github/{name}/blob/{repository['branch']}/{page}.ipynb" in links


@pytest.mark.parametrize("page", chapter_pages())
def test_a_chapter_keeps_only_the_outputs_it_is_tagged_to_keep(page):
    cells = json.loads((ROOT / f"{page}.ipynb").read_text("utf8"))["cells"]
    kept = [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    assert [cell["id"] for cell in kept if "keep_output" not in cell["metadata"].get("tags", [])] == []


def test_widgets_are_mounted_by_the_books_own_script_alone(book):
    texts = {page: page.read_text("utf8") for page in pages(book)}
    assert [page.name for page, text in texts.items() if re.search(r"require\.js|html-manager|thebe", text)] == []
    for page, text in texts.items():
        assert ("widget-state+json" in text) == ("widgets/mount.js" in text), page.name


@pytest.mark.parametrize("page", chapter_pages())
def test_a_page_shows_the_code_of_the_panel_and_carries_no_control_that_needs_python(book, page):
    text = (book / f"{page}.html").read_text("utf8")
    saved = re.search(r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', text, re.DOTALL)
    modules = {one["model_module"] for one in json.loads(saved[1])["state"].values()}
    assert modules == {"anywidget", "@jupyter-widgets/base"}  # of the latter, the layouts of the former
    assert re.sub(r"<[^>]+>", "", text).count("live.panel(") == 1


WIDGET_SCRIPTS = re.compile(
    r'<script type="application/vnd.jupyter.widget-(?:state|view)\+json">.*?</script>', re.DOTALL
)


def zipped(text: str) -> int:
    """Bytes as a server sends them."""
    return len(gzip.compress(text.encode(), 6))


def test_widgets_add_less_than_300_kb_to_a_page_and_nothing_to_one_without(book):
    mount = zipped((book / "widgets/mount.js").read_text("utf8"))
    added = {}
    for page in pages(book):
        text = page.read_text("utf8")
        bare, views = WIDGET_SCRIPTS.subn("", text)
        loads = [tag["src"] for tag in parsed(page).find_all("script", src=re.compile("widget"))]
        assert len(loads) == (views > 0), (page.name, loads)
        added[page.name] = zipped(text) - zipped(bare) + mount * len(loads)
        assert views or not re.search("_esm|anywidget.AnyModel|cnnlab-card", text), page.name
    assert max(added.values()) > 10_000  # the scripts were found
    assert {name: size for name, size in added.items() if size >= 300_000} == {}


def test_the_search_index_names_every_page(book):
    index = (book / "searchindex.js").read_text("utf8")
    assert [page for page in toc_pages() if f'"{page}"' not in index] == []


def test_every_source_that_is_cited_is_in_the_bibliography():
    keys = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "book/references.bib").read_text("utf8"), re.MULTILINE))
    texts = [
        path
        for path in (*ROOT.glob("src/**/*"), *ROOT.glob("book/*"), *ROOT.glob("chapters/*"))
        if path.suffix in (".py", ".md", ".ipynb", ".toml")
    ]
    cites = [(path, names) for path in texts for names in re.findall(r"cite:\w+\}`([^`]+)`", path.read_text("utf8"))]
    cited = {(path.name, key.strip()) for path, names in cites for key in names.split(",")}
    assert cited
    assert [pair for pair in sorted(cited) if pair[1] not in keys] == []


@pytest.mark.parametrize("path", sorted((ROOT / "exercises/source").glob("*/*.ipynb")), ids=lambda path: path.stem)
def test_every_question_has_its_solution_on_the_page_of_solutions_and_on_no_other(book, path):
    found = book_script("solutions").solutions(path)
    cells = [cell for cell in json.loads(path.read_text("utf8"))["cells"] if cell["cell_type"] == "code"]
    assert len(found) == sum(cell["metadata"].get("nbgrader", {}).get("grade", False) for cell in cells)
    shown, exercise = (
        parsed(book / name).get_text()
        for name in ("book/solutions.html", f"exercises/release/{path.stem}/{path.stem}.html")
    )
    for heading, code in found:
        assert heading in shown and code in shown and "SOLUTION" not in code
        assert heading in exercise and code not in exercise


@pytest.mark.parametrize("switched_on", [True, False])
def test_an_instructor_can_switch_the_solutions_off(switched_on):
    module = book_script("solutions")

    class Directive(module.Solutions):
        env = SimpleNamespace(note_dependency=print)
        config = SimpleNamespace(show_solutions=switched_on)
        __init__ = object.__init__

        def parse_text_to_nodes(self, text, **_):
            return text

    shown = Directive().run()
    assert ("def elu(" in shown) is switched_on
    assert (shown == "The solutions are switched off in this copy of the book.") is not switched_on
