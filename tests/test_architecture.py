"""The import rule of the design, read with `ast`, function bodies too."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "cnnlab"
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))

# Each layer imports only what stands before it, and its own package.
LAYERS = [
    {"choices", "config", "experiment", "record", "claims"},
    {"cards", "devices", "lending", "weightless"},
    {"techniques"},
    {"graph", "arithmetic", "patterns"},
    {"models", "data", "probes", "preconditions", "training", "check"},
    {"applications"},
    {"sweep"},
    {"live", "budgets"},
    {"grading"},  # which only the command line imports
]
VIEWS = {"plots", "widgets", "diagnosis"}
# Inside layer 0 and among techniques, who may build on whom.
PAIRS = {
    ("config", "choices"),
    ("experiment", "choices"),
    ("experiment", "config"),
    ("record", "choices"),
    ("record", "config"),
    ("record", "experiment"),
    ("claims", "choices"),
    ("claims", "experiment"),
    ("claims", "record"),
    ("arithmetic", "graph"),
    ("preconditions", "data"),
    ("training", "data"),
    ("training", "preconditions"),
    ("techniques.augmentation", "techniques.distortions"),
    ("techniques.color_jitter", "techniques.color"),
    ("techniques.color_jitter", "techniques.preprocessing"),
    ("techniques.distortions", "techniques.color"),
    ("techniques.distortions", "techniques.color_jitter"),
    ("techniques.equalization", "techniques.color"),
    ("techniques.learned_color", "techniques.activations"),
    ("techniques.activations", "techniques.initialization"),
    ("techniques.activations", "techniques.maxout"),
    ("techniques.maxout", "techniques.initialization"),
    ("techniques.regularization", "techniques.initialization"),
    ("techniques.activations", "techniques.rectifiers"),
    ("techniques.scaling", "techniques.initialization"),
    ("techniques.schedules", "techniques.cycles"),
    ("techniques.symmetry", "techniques.initialization"),
    ("techniques.fractal", "techniques.freezing"),
    ("techniques.fractal", "techniques.joins"),
    ("techniques.fractal", "techniques.paths"),
    ("techniques.freezing", "techniques.joins"),
    ("techniques.joins", "techniques.normalization"),
    ("techniques.learned_pooling", "techniques.pooling"),
    ("techniques.paths", "techniques.joins"),
    ("techniques.convolutions", "techniques.correlation"),
    ("techniques.resampling", "techniques.correlation"),
    ("techniques.resampling", "techniques.kernels"),
    ("techniques.optimizers", "techniques.update_rules"),
    ("techniques.representations", "techniques.initialization"),
    ("techniques.transfer", "techniques.initialization"),
    ("techniques.averaging", "techniques.schedules"),
    ("techniques.fusion", "techniques.joins"),
    ("techniques.tuned_nets", "techniques.comparisons"),
    ("techniques.tuned_nets", "techniques.statistics"),
}
# What a module may take from outside the standard library at its top, in a function as well.
OUTSIDE = {"numpy", "torch"}
LATE = {
    "IPython",
    "torchvision",
    "matplotlib",
    "anywidget",
    "ipywidgets",
    "PIL",
    "rich",
    "tqdm",
    "traitlets",
    "distributed",
    "nbgrader",
    "sqlalchemy",
}


@cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, at the top) for every import in a file of the package."""
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    top = set(tree.body)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layers; write them out"
            found.append((node.module, node in top))
            if node.module == "cnnlab" or node.module.startswith("cnnlab."):
                found += [(f"{node.module}.{alias.name}", node in top) for alias in node.names]
    return found


def owner(dotted: str) -> str:
    """`cnnlab.data.shapes` -> `data`; `cnnlab` itself -> ``."""
    return dotted.split(".")[1] if "." in dotted else ""


def own(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def rank(name: str) -> int | None:
    return next((i for i, layer in enumerate(LAYERS) if name in layer), None)


def known(name: str) -> bool:
    return rank(name) is not None or name in VIEWS | {"cli", "__init__", "experiments"}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_what_stands_before_it(path):
    me = own(path)
    assert known(me), f"{path}: give the new module a layer in this test"
    for dotted, _ in imports(path):
        if not dotted.startswith("cnnlab.") or me in {"cli", "__init__"}:
            continue
        other = owner(dotted)
        if not known(other) or other == me:  # a name such as cnnlab.__version__; a file of the same package
            continue
        if me == "live" and other == "widgets":
            continue  # the bridge that puts a kernel behind a widget
        if me in VIEWS:
            assert rank(other) == 0 or other in VIEWS, f"{path}: a view may import layer 0 only, not {dotted}"
        elif rank(me) == rank(other):
            assert (me, other) in PAIRS, f"{path}: {dotted} stands in the same layer; list the pair in this test"
        else:
            assert rank(other) is not None and rank(other) < rank(me), f"{path}: {dotted} stands after it"


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[0] == "techniques"], ids=str)
def test_a_technique_builds_only_on_listed_techniques(path):
    me = ".".join(path.with_suffix("").parts)
    for dotted, _ in imports(path):
        parts = dotted.split(".")
        if parts[:2] == ["cnnlab", "techniques"] and len(parts) > 2 and parts[2] != path.stem:
            assert (me, ".".join(parts[1:3])) in PAIRS, f"{path}: list ({me}, {dotted}) in this test"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_outside_packages_are_few_and_heavy_ones_come_late(path):
    for dotted, at_top in imports(path):
        package = dotted.split(".")[0]
        if package in sys.stdlib_module_names or package == "cnnlab":
            continue
        me = own(path)
        if rank(me) == 0 or me in VIEWS:
            assert package not in OUTSIDE - {"numpy"}, f"{path}: {package} has no place in layer 0 or in a view"
        assert package in OUTSIDE | LATE, f"{path}: {package} is not a run-time dependency"
        if package in LATE and me != "widgets":
            assert not at_top, f"{path}: import {package} inside the function that needs it"


def run(code: str, *flags: str) -> str:
    return subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True).stdout


def test_layer_zero_and_the_views_work_without_torch():
    views = "cnnlab.plots.crossed, cnnlab.plots.depth, cnnlab.plots.curves, cnnlab.plots.levels"
    run(f"import sys; sys.modules['torch'] = None; import cnnlab.claims, cnnlab.record, {views}")


def test_a_class_is_graded_by_a_process_without_torch():
    steps = "creating, collecting, running, workers, reporting, feedback, exporting, repairing"
    run(f"import sys; sys.modules['torch'] = None; import cnnlab.cli.grade; from cnnlab.grading import {steps}")


def test_only_the_command_line_imports_the_grading():
    for path in MODULES:
        if own(path) not in {"grading", "cli"}:
            assert not any(dotted.startswith("cnnlab.grading") for dotted, _ in imports(path)), path


def test_import_cnnlab_needs_torch_and_numpy_only():
    blocked = "', '".join(sorted(LATE - {"PIL"}))
    run(f"import sys; sys.modules.update(dict.fromkeys(['{blocked}'])); import cnnlab; cnnlab.fit; cnnlab.load")


def test_import_cnnlab_pulls_in_no_heavy_package():
    loaded = run("import cnnlab, sys; print(*sys.modules)").split()
    assert not {"torchvision", "matplotlib", "anywidget", "PIL", "rich", "tqdm"} & set(loaded)


@pytest.mark.slow
def test_the_gpu_tests_are_collected_with_torch_torchvision_and_numpy_alone():
    tests = Path(__file__).parent
    absent = ["scipy", "sklearn", "timm", "kornia", "skimage", "networkx", *sorted(LATE - {"torchvision", "PIL"})]
    command = ["-m", "gpu", "--collect-only", "-q", "-p", "no:cacheprovider", str(tests)]
    alone = "import os, sys; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'"
    blocked = f"sys.modules.update(dict.fromkeys({absent}))"
    collected = run(f"{alone}; {blocked}; import pytest; sys.exit(pytest.main({command}))")
    assert "test_contracts.py" in collected and "test_models_on_gpu.py" in collected
