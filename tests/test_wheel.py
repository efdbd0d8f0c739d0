"""The wheel, and every chapter executed with nothing but the wheel and its run-time dependencies: Colab, rehearsed."""

import compileall
import email
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

import cnnlab

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "cnnlab"
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
RELEASES = sorted(ROOT.glob("exercises/release/*/*.ipynb"))
NOTEBOOKS = [*CHAPTERS, *sorted(ROOT.glob("exercises/source/*/*.ipynb")), *RELEASES]
# Here, but not in Colab's run-time dependencies of ours: a chapter that secretly needs one must fail.
ABSENT = ["jupyter_book", "nbgrader", "nbval", "sklearn", "scipy", "pytest", "pip"]
# Loaded by every Python of the clean environment: only this machine can be reached from it.
NO_NETWORK = """\
import socket

def refuse(self, address, connect=socket.socket.connect):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("localhost", "127.0.0.1", "::1"):
        raise OSError(f"the rehearsal has no network, and {address} was asked for")
    return connect(self, address)

socket.socket.connect = refuse
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built as for a release but without isolation, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> email.message.Message:
    text = next(data for name, data in contents(wheel).items() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(text)


def closure(requirements: Iterable[str]) -> set[str]:
    """The names of the distributions installed here that `requirements` need, and of what those need."""
    found, todo = set(), [(Requirement(line), "") for line in requirements]
    while todo:
        wanted, extra = todo.pop()
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        distribution = importlib.metadata.distribution(wanted.name)
        assert wanted.specifier.contains(distribution.version, prereleases=True), f"{wanted}: {distribution.version}"
        for group in wanted.extras | {""}:
            if (distribution.name, group) not in found:
                found.add((distribution.name, group))
                todo += [(Requirement(line), group) for line in distribution.requires or ()]
    return {name for name, _ in found}


def link(names: set[str], site: Path) -> None:
    """Link the files of these distributions into another site-packages: a folder at once where it is theirs alone."""
    owners, sources = defaultdict(set), {}
    for distribution in importlib.metadata.distributions():
        name, root = distribution.name, Path(distribution.locate_file(""))
        for file in map(str, distribution.files or ()):
            steps = file.split("/")
            for path in () if ".." in steps else accumulate(steps, "{}/{}".format):
                owners[path].add(name)
                sources[path] = root
    for path in sorted(path for path in owners if owners[path] & names):  # a folder stands before its files
        if not owners[path] <= names:
            (site / path).mkdir(exist_ok=True)
        elif not (site / path).exists():
            (site / path).symlink_to(sources[path] / path)


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory) -> Path:
    """The Python of an environment that holds the wheel, its run-time dependencies and the kernel Colab has anyway."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False, symlinks=True)
    site = folder / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    requirements = metadata(wheel).get_all("Requires-Dist")
    link(closure([*requirements, "ipykernel"]), site)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    compileall.compile_dir(site / "cnnlab", quiet=1)  # as pip does
    (site / "no_network.py").write_text(NO_NETWORK, encoding="utf-8")
    (site / "no_network.pth").write_text("import no_network\n", encoding="utf-8")  # Debian has a sitecustomize already
    return folder / "bin" / "python"


def stranger(folder: Path) -> dict[str, str]:
    """An environment that says nothing of this repository, with empty folders for caches and settings."""
    dropped = ("PYTHON", "VIRTUAL_ENV", "CNNLAB_", "JUPYTER", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    folders = {key: str(folder / key.lower()) for key in ("IPYTHONDIR", "CNNLAB_CACHE", "JUPYTER_CONFIG_DIR")}
    # The packages are links to those of the tests, which are to stay as they are.
    return kept | folders | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def python(clean, tmp_path):
    """`python("-c", "...")` in the clean environment and an empty folder: what it printed."""
    (tmp_path / "empty").mkdir()

    def call(*arguments: str) -> str:
        done = subprocess.run(
            [clean, *arguments], cwd=tmp_path / "empty", env=stranger(tmp_path), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    names = {name for name in contents(wheel) if ".dist-info/" not in name}
    files = {p.relative_to(ROOT / "src").as_posix() for p in PACKAGE.rglob("*") if p.is_file()}
    assert names == {name for name in files if "__pycache__" not in name and not name.endswith(".runs.jsonl")}


def test_the_wheel_carries_data_records_and_scripts_but_no_tests_and_no_notebooks(wheel):
    held = contents(wheel)
    kinds = r"experiments/\w+\.toml", r"experiments/published/\w+\.csv", r"widgets/\w+\.js", r"widgets/lib/\w+\.js"
    for pattern in (*kinds, r"data/digits\.bin"):
        assert any(re.fullmatch(f"cnnlab/{pattern}", name) for name in held), f"no file like {pattern}"
    for path in PACKAGE.glob("experiments/*.json"):
        assert held[f"cnnlab/experiments/{path.name}"] == path.read_bytes()
    unwanted = re.compile(r"test_|conftest|\.ipynb|\.jsonl|(^|/)(tests|chapters|exercises|book)/")
    assert [name for name in held if unwanted.search(name)] == []


def test_no_file_of_the_wheel_names_a_folder_of_the_machine_that_built_it(wheel):
    places = re.compile(rb"(?<![\w.])/(?:home|root|work|mnt|Users)/\w|" + re.escape(str(ROOT).encode()) + rb"\b")
    named = {name: places.findall(data) for name, data in contents(wheel).items() if not name.endswith(".bin")}
    assert {name: found for name, found in named.items() if found} == {}


def test_run_time_dependencies_have_lower_bounds_only(wheel):
    run_time = [Requirement(line) for line in metadata(wheel).get_all("Requires-Dist") if "extra ==" not in line]
    assert {"torch", "torchvision", "numpy"} <= {wanted.name for wanted in run_time}
    assert {bound.operator for wanted in run_time for bound in wanted.specifier} == {">="}


@pytest.mark.slow
def test_the_clean_environment_has_the_wheel_and_lacks_what_the_book_and_the_tests_need(python):
    look = f"from importlib.util import find_spec; print([name for name in {ABSENT} if find_spec(name)])"
    assert python("-c", look).strip() == "[]"
    assert "site-packages" in python("-c", "import cnnlab; print(cnnlab.__file__)")
    assert "cnnlab run" in python("-m", "cnnlab.cli", "--help") + python("-m", "cnnlab.cli", "run", "--help")
    assert "initialization" in python("-m", "cnnlab.cli", "list")


@pytest.mark.slow
def test_the_public_names_load_nothing_beyond_what_torch_and_numpy_load(python):
    code = """
import sys, time
began = time.perf_counter()
import numpy, torch
middle = time.perf_counter()
before = {name.partition(".")[0] for name in sys.modules}
import cnnlab
cnnlab.fit, cnnlab.load, cnnlab.Config
after = {name.partition(".")[0] for name in sys.modules}
ratio = (time.perf_counter() - began) / (middle - began)
print(f"importing cnnlab takes {ratio:.2f} times what torch takes", *sorted(after - before), sep="\\n")
"""
    said, *new = python("-c", code).splitlines()
    print(said)
    assert set(new) - sys.stdlib_module_names == {"cnnlab"}


def rehearse(notebook: nbformat.NotebookNode, clean: Path, folder: Path, *, allow_errors: bool = False) -> None:
    """Execute in place, from the empty folder `folder / "content"`, with the kernel of the clean environment."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    kernel = {"argv": [str(clean), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "clean"}
    (folder / "kernels/clean").mkdir(parents=True)
    (folder / "kernels/clean/kernel.json").write_text(json.dumps(kernel | {"language": "python"}), encoding="utf-8")
    (folder / "content").mkdir()
    specs = KernelSpecManager(kernel_dirs=[str(folder / "kernels")], ensure_native_kernel=False)
    manager = AsyncKernelManager(kernel_name="clean", kernel_spec_manager=specs)
    where = {"metadata": {"path": str(folder / "content")}}
    run = {"timeout": 60, "resources": where, "allow_errors": allow_errors}
    # Colab knows no tags: the cells that the book leaves to a live notebook are run as well.
    client = NotebookClient(notebook, km=manager, kernel_name="clean", skip_cells_with_tag="", **run)
    client.execute(env=stranger(folder), cleanup_kc=True)


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_from_an_empty_folder_with_nothing_but_the_wheel(chapter, clean, tmp_path):
    notebook = nbformat.read(chapter, as_version=4)
    rehearse(notebook, clean, tmp_path)  # the install cell would fail: there is no pip and no network
    assert [path.name for path in (tmp_path / "content").iterdir()] == []
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    said = [o.text for cell in cells for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
    assert said == []
    drawn = [cell for cell in cells if any("image/png" in o.get("data", {}) for o in cell.outputs)]
    unnamed = [c.source for c in drawn if not c.metadata.get("mystnb", {}).get("image", {}).get("alt", "").strip()]
    assert unnamed == [], "a figure lacks alternative text"


@pytest.mark.slow
@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)
def test_a_released_exercise_lacks_nothing_but_its_answers(path, clean, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    rehearse(notebook, clean, tmp_path, allow_errors=True)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    raised = [o.ename for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert raised and set(raised) <= {"NotImplementedError", "AssertionError"}


@pytest.mark.slow
def test_the_rehearsal_has_no_network_and_no_test_package(clean, tmp_path):
    cells = [
        "import urllib.request\ntry:\n    urllib.request.urlopen('http://192.0.2.1', timeout=5)\n"
        "except OSError as error:\n    print(error)",
        "try:\n    import sklearn\nexcept ImportError as error:\n    print(error)",
        "import os, torch, cnnlab\nprint(os.listdir(), cnnlab.__version__)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    rehearse(notebook, clean, tmp_path)
    said = [cell.outputs[0].text for cell in notebook.cells]
    assert "the rehearsal has no network" in said[0] and "No module named 'sklearn'" in said[1]
    assert said[2].startswith("[] ")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_install_cell_leaves_torch_and_numpy_alone(path, monkeypatch):
    first = next(cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    calls = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    monkeypatch.setattr("subprocess.run", lambda command, check: calls.append((command, check)))
    exec(compile(first.source, path.name, "exec"), {})
    address = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    widgets = next(line for line in project["dependencies"] if line.startswith("anywidget"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    ours = ["--no-deps", f"cnnlab @ git+{address}@v{project['version']}"]
    assert calls == [([*pip, widgets], True), ([*pip, *ours], True)]
    assert not any(re.match("torch|numpy", argument) for command, _ in calls for argument in command)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_install_cell_does_nothing_where_cnnlab_is_installed(path, monkeypatch):
    first = next(cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    monkeypatch.setattr("subprocess.run", lambda *a, **k: pytest.fail("the install cell ran a command"))
    exec(compile(first.source, path.name, "exec"), {})


def test_the_version_is_the_same_in_the_package_and_in_the_wheel(wheel):
    assert metadata(wheel)["Version"] == cnnlab.__version__
