"""The training lab and the control panel in a real JupyterLab and a real Notebook 7, with a kernel behind them."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import ROOT

CELLS = {
    "lab": 'from cnnlab import live\nlive.lab(steps=100, compare="eight_rates")',
    "panel": 'from cnnlab import live\nlive.panel("activation", "lr", "seed")',
}


def _notebook(source: str) -> dict:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source, "id": "one"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module", params=["jupyterlab", "notebook"])
def jupyter(request, tmp_path_factory):
    """`jupyter("lab")`: the address of that notebook, to be opened by JupyterLab, alone, or by Notebook 7."""
    folder, token, port = tmp_path_factory.mktemp(request.param), secrets.token_hex(8), _free_port()
    for name, source in CELLS.items():
        (folder / f"{name}.ipynb").write_text(json.dumps(_notebook(source)))
    command = [sys.executable, "-m", request.param, "--no-browser", "--allow-root", f"--port={port}", "--ip=localhost"]
    options = [
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    env = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT / "src"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*command, *options], env=env, stdout=log, stderr=log, cwd=folder)
        try:
            path = {"jupyterlab": "lab/workspaces/{0}/tree", "notebook": "notebooks"}[request.param]
            _wait_for(f"http://localhost:{port}/api?token={token}", server, folder / "log")
            yield lambda name: f"http://localhost:{port}/{path.format(name)}/{name}.ipynb?token={token}"
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(address: str, server: subprocess.Popen, log) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            return urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"no server after two minutes: {log.read_text()}")


def _run_first_cell(page) -> None:
    """Ctrl+Enter until the cell has a prompt: before its kernel is there, Jupyter drops the key without a word."""
    cell = page.locator(".jp-CodeCell").first
    deadline = time.monotonic() + 120
    while not re.search(r"\[[*\d]+\]", cell.locator(".jp-InputPrompt").inner_text(timeout=120_000)):
        assert time.monotonic() < deadline, "no kernel takes the cell"
        cell.click()
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(1_000)


@pytest.fixture
def run_cell(jupyter, chromium):
    """`page = run_cell("lab")`: the notebook of that name, opened, its one cell run."""
    pages = []

    def open_and_run(name: str):
        pages.append(chromium.new_page(viewport={"width": 1300, "height": 1000}))
        pages[-1].goto(jupyter(name))
        _run_first_cell(pages[-1])
        return pages[-1]

    yield open_and_run
    for page in pages:
        page.close()


@pytest.mark.full
@pytest.mark.browser
def test_the_kernel_of_a_live_notebook_trains(run_cell):
    card = run_cell("lab").locator(".cnnlab-card")
    card.get_by_role("button", name="Train").click(timeout=120_000)
    card.get_by_role("button", name="Stop").wait_for(timeout=120_000)
    card.get_by_role("button", name="Train").wait_for(timeout=120_000)
    assert card.locator(".source").inner_text().startswith("Trained by the kernel of this notebook, in PyTorch on ")
    said = card.locator("[role=img]").first.get_attribute("aria-label")
    assert len(re.findall(r"lr [\d.]+ (?:diverged at step|[\d.]+ after 100 steps)", said)) == 8


@pytest.mark.full
@pytest.mark.browser
def test_the_panel_draws_a_run_beside_the_run_before(run_cell):
    out = run_cell("panel").locator(".jp-OutputArea")
    out.get_by_role("button", name="Train", exact=True).click(timeout=120_000)
    said = out.get_by_role("status")
    said.get_by_text("After 100 steps: loss ").wait_for(timeout=120_000)
    first = out.get_by_role("img").first.get_attribute("aria-label")
    assert re.search(r"this run loss \d\.\d\d, \d+ % of the held-out images right$", first)
    out.get_by_role("combobox", name="Activation").select_option(label="tanh")
    said.get_by_text(re.compile(r"After 100 steps: .* Before: loss ")).wait_for(timeout=120_000)
    now, before = out.get_by_role("img").first.get_attribute("aria-label").split("; the run before ")
    assert first.endswith(before) and not now.endswith(before)
    assert out.get_by_text("on the CPU").count() + out.get_by_text("on the GPU").count() == 1
    assert out.get_by_role("slider").count() == 1 and out.get_by_role("spinbutton", name="Seed").count() == 1
