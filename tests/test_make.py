"""The commands of the README: what they say where something is missing, and that what is documented exists."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import require

ROOT = Path(__file__).resolve().parents[1]
MAKEFILE = (ROOT / "Makefile").read_text("utf8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
# Pythons that lack something: the version that is asked for, or the module that makes environments.
OLD = '#!/bin/sh\ncase "$*" in -V) echo Python 3.9.2;; *version_info*) exit 1;; *) echo "ran: $*" >> ran;; esac\n'
BARE = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; *version_info*) ;; *) echo "ran: $*" >> ran;; esac\n'


@pytest.fixture
def make(tmp_path):
    """`make("install", "PYTHON=...")` in a copy of the repository that holds only what installing needs."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)

    def call(*arguments: str) -> subprocess.CompletedProcess:
        # What an outer make, perhaps the one that runs these tests, says to its children is not for this one.
        env = {
            key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON")
        }
        command = [require("make", "make"), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)

    return call


def without_make(text: str) -> list[str]:
    """The lines of an error but for make's own last word."""
    return [line for line in text.splitlines() if not line.startswith("make")]


def program(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"Makefile", "pyproject.toml", "constraints.txt", "fake"}


def test_an_old_python_is_named_with_its_version_and_a_remedy(make, tmp_path):
    fake = program(tmp_path / "fake", OLD)
    done = make("install", f"PYTHON={fake}")
    assert done.returncode != 0
    wanted = f"cnnlab needs Python 3.11 or newer, and '{fake}' is Python 3.9.2. Install one (apt-get install python3)"
    assert len(without_make(done.stderr)) == 1 and without_make(done.stderr)[0].startswith(wanted)
    assert left(tmp_path) == set()


def test_a_missing_python_is_called_missing(make, tmp_path):
    done = make("install", "PYTHON=nosuchpython")
    assert done.returncode != 0
    assert len(without_make(done.stderr)) == 1 and "and 'nosuchpython' is missing. Install one" in done.stderr
    assert left(tmp_path) == set()


def test_a_python_without_venv_is_told_which_package_brings_it(make, tmp_path):
    done = make("install", f"PYTHON={program(tmp_path / 'fake', BARE)}")
    assert done.returncode != 0
    assert without_make(done.stderr) == ["Python's venv module is missing. Install it: apt-get install python3-venv"]
    assert left(tmp_path) == set()


def test_the_version_asked_for_is_that_of_the_package():
    asked = re.search(r"version_info < \((\d+), (\d+)\)", MAKEFILE).groups()
    assert f'requires-python = ">={".".join(asked)}"' in (ROOT / "pyproject.toml").read_text("utf8")


def test_help_names_every_target_once_and_nothing_else(make):
    done = make()
    named = re.findall(r"^make ([a-z-]+) ", done.stdout, re.MULTILINE)
    assert sorted(named) == sorted(TARGETS - {"help"})
    assert done.stdout == make("help").stdout


def test_every_documented_target_exists():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("book/*.md"), *WORKFLOWS, ROOT / ".ci/run"]
    named = {
        (word, page.name)
        for page in pages
        for word in re.findall(r"(?:`|^[\s$-]*(?:run: )?)make ([a-z-]+)", page.read_text("utf8"), re.MULTILINE)
    }
    assert {"book", "test"} <= {word for word, _ in named}
    assert {(word, page) for word, page in named if word not in TARGETS} == set()


def test_a_timed_step_says_how_long_it_took_and_keeps_its_status(make, tmp_path):
    steps = ["good:", "\t$(call timed,lint,true)", "bad:", "\t$(call timed,lint,false && true)"]
    with (tmp_path / "Makefile").open("a") as file:
        file.write("\n".join(["", *steps, ""]))
    good, bad = make("good"), make("bad")
    assert good.returncode == 0 and re.fullmatch(r"== lint: \d+ s\n", good.stdout)
    assert bad.returncode != 0 and re.fullmatch(r"== lint: \d+ s\n", bad.stdout)


def test_cleaning_leaves_the_environment_and_the_records(make, tmp_path):
    for name in (".venv", "records", "_build", "dist"):
        (tmp_path / name).mkdir()
    assert make("clean").returncode == 0
    assert left(tmp_path) == {".venv", "records"}


def test_a_missing_program_is_skipped_by_name_and_demanded_under_ci(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    message = "chromium is missing; install it: apt-get install chromium"
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=message):
        require("chromium", "chromium", variable="CHROMIUM")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match=message):
        require("chromium", "chromium", variable="CHROMIUM")
    monkeypatch.setenv("CHROMIUM", "/opt/chromium/chrome")
    assert require("chromium", "chromium", variable="CHROMIUM") == "/opt/chromium/chrome"


def test_ci_installs_every_program_the_tests_demand():
    script = (ROOT / ".ci/run").read_text("utf8")
    sources = "".join(path.read_text("utf8") for path in ROOT.glob("tests/**/*.py"))
    demanded = set(re.findall(r'require\("([\w-]+)", "([\w-]+)"', sources))
    assert demanded >= {("chromium", "chromium"), ("make", "make")}
    missing = [tool for tool, package in demanded if not re.search(rf"need\+=\([^)]*\b{package}\b", script)]
    assert missing == []


# The workflows


def workflow(name: str) -> dict:
    return yaml.load((ROOT / ".github/workflows" / name).read_text("utf8"), yaml.BaseLoader)


def test_tests_run_what_ci_runs_on_every_push_and_request():
    tests = workflow("tests.yml")
    assert set(tests["on"]) == {"push", "pull_request"}
    assert tests["jobs"]["tests"]["steps"][-1] == {"run": "bash .ci/run"}


def test_the_oldest_python_that_is_promised_is_tested():
    promised = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text("utf8"))[1]
    assert promised in workflow("tests.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"]


def test_publishing_builds_with_make_and_deploys_what_was_built():
    build, deploy = (workflow("publish.yml")["jobs"][name] for name in ("build", "deploy"))
    used = [step.get("uses", step.get("run")).partition("@")[0] for step in build["steps"]]
    assert used.index("make book") < used.index("actions/upload-pages-artifact")
    assert "actions/configure-pages" in used
    assert {"path": "_build/html"} in [step.get("with") for step in build["steps"]]
    assert deploy["needs"] == "build" and deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert deploy["steps"][-1]["uses"].startswith("actions/deploy-pages@")


@pytest.mark.parametrize(("repository", "status"), [("cnnlab", 0), ("cnnlab-fork", 1)])
def test_publishing_begins_by_refusing_another_repositorys_address(repository, status):
    url = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["repository"]["url"]
    server, owner, name = url.rsplit("/", 2)
    env = {**os.environ, "GITHUB_SERVER_URL": server, "GITHUB_REPOSITORY": f"{owner}/{name}{repository[6:]}"}
    checkout, first = workflow("publish.yml")["jobs"]["build"]["steps"][:2]
    assert checkout["uses"].startswith("actions/checkout@")
    done = subprocess.run(["bash", "-e", "-c", first["run"]], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == status
    here = f"{server}/{env['GITHUB_REPOSITORY']}"
    refusal = f"::error::_config.yml names {url} as its repository, and this is {here}: set repository.url"
    assert done.stdout.startswith(refusal) if status else done.stdout == ""
    assert len(done.stdout.splitlines()) == status


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_write_only_where_it_says_so(path):
    assert workflow(path.name)["permissions"] == {"contents": "read"}
