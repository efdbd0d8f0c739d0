"""The built book, a server for it, and a browser whose every request, error and console message is watched."""

import fcntl
import functools
import http.server
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"),
]

os.environ |= dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1")  # servers here are ours, proxy or not


def pytest_ignore_collect(collection_path, config):
    """With `-m gpu` only the files that have such tests: a machine with a GPU may lack what the others import."""
    if config.option.markexpr == "gpu" and collection_path.suffix == ".py":
        return "mark.gpu" not in collection_path.read_text("utf8") or None
    return None


def toc_pages() -> list[str]:
    """Every page of the table of contents, in order, without suffix: `book/intro`, `chapters/initialization`."""
    return re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text("utf8"))


def shown_pages() -> list[str]:
    """The pages that are opened in the browser: those of the table of contents, one page of reference for all."""
    return [*toc_pages(), "book/api/techniques.initialization"]


def chapter_pages() -> list[str]:
    return [page for page in toc_pages() if page.startswith("chapters/")]


def book_script(name: str):
    """`book/<name>.py` as a module of its own, so that a test may change it."""
    spec = importlib.util.spec_from_file_location(f"book_{name}", ROOT / f"book/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def require(tool: str, package: str, variable: str | None = None) -> str:
    """The path of a program that is not a Python package; without it the test is skipped, with CI=true it fails."""
    found = os.environ.get(variable or "") or shutil.which(tool)
    if found:
        return found
    reason = f"{tool} is missing; install it: apt-get install {package}"
    raise (pytest.fail if os.environ.get("CI") == "true" else pytest.skip).Exception(reason)


def _inputs() -> list[Path]:
    folders = [*(ROOT / "book").rglob("*"), *(ROOT / "src").rglob("*"), *(ROOT / "chapters").glob("*.ipynb")]
    return [ROOT / "_config.yml", ROOT / "_toc.yml", *(p for p in folders if p.is_file() and p.suffix != ".pyc")]


@pytest.fixture(scope="session")
def book() -> Path:
    """The folder of the built book. Built here only where something is newer than the last build that passed."""
    (ROOT / "_build").mkdir(exist_ok=True)
    passed = ROOT / "_build/.passed"
    with (ROOT / "_build/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two pytest workers, one build
        if not passed.exists() or passed.stat().st_mtime < max(path.stat().st_mtime for path in _inputs()):
            done = subprocess.run([sys.executable, ROOT / "book/build.py"], capture_output=True, text=True)
            assert done.returncode == 0, f"the book does not build:\n{(done.stdout + done.stderr)[-6000:]}"
    return ROOT / "_build/html"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextmanager
def serve(folder: Path):
    """Serve `folder` on a free port of localhost and yield its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def site(book, tmp_path_factory):
    """Where the book stands: `{"root": http://..., "sub-path": http://.../course/cnnlab, "file": file://...}`."""
    host = tmp_path_factory.mktemp("host")
    (host / "course").mkdir()
    (host / "course/cnnlab").symlink_to(book)
    with serve(book) as root, serve(host) as shared:
        yield {"root": root, "sub-path": f"{shared}/course/cnnlab", "file": book.as_uri()}


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    path = require("chromium", "chromium", variable="CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


def _watch(page) -> list[str]:
    """Collect whatever a reader's page must not do: outside requests, failures, errors, error messages."""
    problems: list[str] = []
    page.on("console", lambda m: m.type in ("error", "warning") and problems.append(f"console {m.type}: {m.text}"))
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    page.on("response", lambda r: r.status >= 400 and problems.append(f"status {r.status}: {r.url}"))
    inside = ("http://localhost:", "file:", "data:", "blob:")
    page.on("request", lambda r: r.url.startswith(inside) or problems.append(f"outside request: {r.url}"))
    return problems


@contextmanager
def visiting(chromium):
    """Yield what the fixture `visit` gives; the pages stay open to the end of the block."""
    contexts = []

    def open_page(url, *, color_scheme="light", width=1280, script="", **options):
        options |= {"viewport": {"width": width, "height": 900}, "color_scheme": color_scheme}
        contexts.append(chromium.new_context(reduced_motion="reduce", **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.problems = _watch(page)
        if script:
            page.add_init_script(script)
        page.goto(url, wait_until="networkidle")
        page.evaluate("window.MathJax?.startup?.promise?.then(() => null)")
        page.wait_for_function("[...document.querySelectorAll('.cnnlab-widget')].every((el) => el.hasChildNodes())")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def visit(chromium):
    """`page = visit(url, color_scheme="dark", width=390)`: opened, settled; `page.problems` must stay empty.

    `script` runs before the page's own; further arguments go to Playwright's `new_context`.
    """
    with visiting(chromium) as open_page:
        yield open_page


def axe(page, within=None) -> list[str]:
    """What axe-core finds: every breach of WCAG 2.2 A and AA, and of the other rules what it calls serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]  # named, or axe leaves out the size of targets
    options = {"runOnly": {"type": "tag", "values": [*levels, "best-practice"]}, "resultTypes": ["violations"]}
    options["preload"] = False  # axe would fetch every stylesheet again, which a page opened as a file may not
    return [
        f"{rule['impact']} {rule['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in Axe().run(page, within, options).response["violations"]
        if not {*levels}.isdisjoint(rule["tags"]) or rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
