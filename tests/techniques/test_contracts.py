"""Every technique under every contract; a contract that cannot hold is named with its reason, and really fails."""

import importlib

import pytest
import torch
from contract import CONTRACTS, FOLDER, arguments, cases, close, families, load, made, outputs, tables


def pairs():
    for name, case in cases().items():
        for contract in CONTRACTS:
            reason = case.why_not.get(contract)
            marks = [pytest.mark.xfail(strict=True, reason=f"{name}: {reason}")] if reason else []
            yield pytest.param(contract, name, marks=marks, id=f"{name}-{contract}")


@pytest.mark.parametrize(("contract", "name"), list(pairs()))
def test_a_technique_keeps_its_contracts(contract, name):
    CONTRACTS[contract](cases()[name])


@pytest.mark.parametrize("name", [name for name, case in cases().items() if case.bad])
def test_a_bad_argument_is_told_in_words(name):
    for call, message in cases()[name].bad:
        with pytest.raises(ValueError, match=message):
            call()


def test_only_contracts_are_excused():
    assert {excuse for case in cases().values() for excuse in case.why_not} <= {*CONTRACTS, "gpu"}


@pytest.mark.parametrize("family", families())
def test_every_row_of_a_familys_tables_has_a_case(family):
    module = importlib.import_module(f"cnnlab.techniques.{family}")
    excused = getattr(load(family), "NO_TENSORS", {})
    rows = [row for name, table in tables(module) if name not in excused for row in table]
    assert [row for row in rows if f"{family}.{row}" not in cases()] == []


def test_every_family_has_cases():
    there = {path.stem for path in FOLDER.parents[2].glob("src/cnnlab/techniques/*.py")} - {"__init__"}
    assert there == set(families())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("dtype", "relative"), [(torch.float64, 1e-8), (torch.float32, 2e-3)], ids=str)
@pytest.mark.parametrize("name", [name for name, case in cases().items() if "gpu" not in case.why_not])
def test_a_gpu_gives_the_result_of_the_cpu(name, dtype, relative):
    case, inputs = cases()[name], arguments(cases()[name], dtype)
    with torch.no_grad():
        want, technique = outputs(made(case, dtype)(*inputs)), made(case, dtype)
        on_gpu = technique.cuda() if isinstance(technique, torch.nn.Module) else technique
        got = outputs(on_gpu(*(x.cuda() for x in inputs)))
    assert all(y.is_cuda for y in got)
    close(got, want, relative=relative)
