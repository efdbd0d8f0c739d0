import re

import pytest
import torch

from cnnlab import devices
from cnnlab.devices import choose_device, choose_precision

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda", 0), torch.device("mps")


def only(monkeypatch, *present: str) -> None:
    monkeypatch.setattr(devices, "DEVICES", {name: lambda name=name: name in present for name in devices.DEVICES})


@pytest.mark.parametrize(
    ("present", "best"), [(("cuda", "mps", "cpu"), "cuda"), (("mps", "cpu"), "mps"), (("cpu",), "cpu")]
)
def test_the_best_device_that_is_there_is_taken(monkeypatch, present, best):
    only(monkeypatch, *present)
    assert choose_device().type == best
    assert choose_device("cpu") == CPU


def test_a_number_stays_with_its_device(monkeypatch):
    only(monkeypatch, "cuda", "cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:0") == CUDA == choose_device(CUDA)
    with pytest.raises(ValueError, match='device "cuda:2" is not available here; there are 2, from cuda:0 on'):
        choose_device("cuda:2")
    with pytest.raises(ValueError, match='device "cuda:x" is not one that torch knows; give "cuda" or "cuda:0"'):
        choose_device("cuda:x")


def test_an_unknown_device_lists_the_choices():
    with pytest.raises(ValueError, match='device "gpu" is unknown; choose one of: cpu, cuda, mps'):
        choose_device("gpu")


def test_a_device_that_is_missing_names_those_that_are_there(monkeypatch):
    only(monkeypatch, "cpu")
    with pytest.raises(ValueError, match=re.escape('device "cuda:1" is not available here; available: cpu. Leave')):
        choose_device("cuda:1")


@pytest.mark.parametrize(
    ("capability", "precision"), [((7, 5), "fp16"), ((7, 0), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")]
)
def test_a_gpu_below_8_0_gets_fp16_whatever_it_claims(monkeypatch, capability, precision):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)
    assert choose_precision(CUDA, 32) == precision


@pytest.mark.parametrize(("native", "precision"), [(True, "bf16"), (False, "fp32")])
def test_a_cpu_gets_bf16_only_where_it_is_native(monkeypatch, native, precision):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    assert choose_precision(CPU, 32) == precision


def test_a_torch_that_cannot_tell_gets_fp32_on_the_cpu(monkeypatch):
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert choose_precision(CPU, 32) == "fp32"


@pytest.mark.parametrize("device", [CPU, CUDA, MPS])
def test_small_images_stay_in_fp32(monkeypatch, device):
    monkeypatch.setattr(devices, "cpu_has_bf16", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert choose_precision(device, 27) == "fp32"


def test_mps_stays_in_fp32():
    assert choose_precision(MPS, 224) == "fp32"


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_precision_asked_for_is_given(precision):
    assert choose_precision(CPU, 8, precision) == precision


def test_auto_is_the_same_as_nothing(monkeypatch):
    monkeypatch.setattr(devices, "cpu_has_bf16", lambda: True)
    assert choose_precision(CPU, 32, "auto") == choose_precision(CPU, 32) == "bf16"


def test_an_unknown_precision_lists_the_choices():
    with pytest.raises(ValueError, match='precision "fp8" is unknown; choose one of: auto, bf16, fp16, fp32'):
        choose_precision(CPU, 32, "fp8")
