"""The training lab in a real JupyterLab and a real Notebook 7, with a kernel behind it."""

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

CELL = 'from cnnlab import live\nlive.lab(steps=100, compare="eight_rates")'


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
    """The address of a notebook with the lab, opened by JupyterLab or by Notebook 7."""
    folder, token, port = tmp_path_factory.mktemp(request.param), secrets.token_hex(8), _free_port()
    (folder / "lab.ipynb").write_text(json.dumps(_notebook(CELL)))
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
            path = {"jupyterlab": "lab/tree", "notebook": "notebooks"}[request.param]
            _wait_for(f"http://localhost:{port}/api?token={token}", server, folder / "log")
            yield f"http://localhost:{port}/{path}/lab.ipynb?token={token}"
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


@pytest.mark.full
@pytest.mark.browser
def test_the_kernel_of_a_live_notebook_trains(jupyter, chromium):
    page = chromium.new_page(viewport={"width": 1300, "height": 1000})
    page.goto(jupyter)
    page.locator(".jp-CodeCell").first.click(timeout=120_000)
    page.keyboard.press("Shift+Enter")
    card = page.locator(".cnnlab-card")
    card.get_by_role("button", name="Train").click(timeout=120_000)
    card.get_by_role("button", name="Stop").wait_for(timeout=120_000)
    card.get_by_role("button", name="Train").wait_for(timeout=120_000)
    assert card.locator(".source").inner_text().startswith("Trained by the kernel of this notebook, in PyTorch on ")
    said = card.locator("[role=img]").first.get_attribute("aria-label")
    assert len(re.findall(r"lr [\d.]+ (?:diverged at step|[\d.]+ after 100 steps)", said)) == 8
    page.close()
