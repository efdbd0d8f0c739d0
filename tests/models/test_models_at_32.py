"""What every architecture made for 32x32 images promises, whatever its family."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import cnnlab
from cnnlab.config import Model
from cnnlab.models import MODELS, build
from cnnlab.probes import outputs
from cnnlab.techniques.initialization import layers

# A rate that each learns at; those whose signal grows from layer to layer under He's rule need a small one.
RATES = {
    "alexnet": 0.005,
    "caffenet": 0.005,
    "caffenet_all": 0.0005,
    "vgg11": 0.005,
    "vgg16": 0.005,
    "vgg16_bn": 0.01,
    "vgg19_bn": 0.01,
    "googlenet": 0.01,
    "googlenet_residual": 0.01,
    "squeezenet": 0.01,
    "darknet": 0.01,
    "henet": 0.002,
    "mobilenet": 0.02,
    "xception": 0.01,
    "nin": 0.005,
    "allcnn": 0.005,
    "fitnet4": 0.002,
    "fitresnet4": 0.0005,
}
NARROW = {"darknet": 4, "googlenet": 8, "googlenet_residual": 8, "mobilenet": 8, "xception": 4, "vgg19_bn": 8}
TINY = ("googlenet", "googlenet_residual", "xception")
WHOLE = ("alexnet", "caffenet", "caffenet_all", "vgg11", "vgg16", "vgg16_bn", "vgg19_bn", "darknet", "henet")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Eight noisy images of four colors; smaller ones will do for nets that end in a global pool."""
    side, labels = 32 if name in WHOLE else 8 if name in TINY else 16, torch.arange(8) % 4
    colors = torch.randn(4, 3, 1, 1, generator=seeded(1))
    return colors[labels] + torch.randn(8, 3, side, side, generator=seeded()), labels


def small(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build(Model(name, width=NARROW.get(name, 16)), in_channels=3, classes=4)


@pytest.mark.parametrize("name", RATES)
def test_it_takes_32x32_images_and_gives_a_logit_a_class(name):
    model = small(name).eval()
    assert model(torch.randn(2, 3, 32, 32, generator=seeded())).shape == (2, 4)


@pytest.mark.parametrize("name", RATES)
def test_thirty_steps_on_eight_images_halve_the_loss(name):
    images, labels = batch(name)
    model = cnnlab.initialize(small(name), "he", generator=seeded())
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # its noise would hide what eight images can show
    optimizer = torch.optim.SGD(model.parameters(), lr=RATES[name], momentum=0.9)
    losses = []
    for _ in range(30):
        loss = cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-3:]) / 3 < losses[0] / 2, losses


@pytest.mark.parametrize("name", RATES)
def test_initialize_reaches_every_layer(name):
    model = cnnlab.initialize(small(name), "zeros")
    assert all(not weight.any() for _, layer in layers(model) for weight in layer.parameters())


@pytest.mark.parametrize("name", RATES)
def test_lsuv_gives_every_layer_unit_variance(name):
    images, _ = batch(name)
    model = cnnlab.initialize(small(name), "lsuv", images, generator=seeded()).eval()
    with outputs(model) as given, torch.no_grad():
        model(images)
    assert set(given) == {layer for layer, _ in layers(model)}
    assert max(abs(output.var(correction=0) - 1) for output in given.values()) < 0.021


@pytest.mark.parametrize("name", [name for name in RATES if "activation" in MODELS[name][1]])
def test_the_activation_is_the_one_asked_for(name):
    model = build(Model(name, activation="maxout"), in_channels=3, classes=4).eval()
    assert not any(isinstance(module, nn.ReLU) for module in model.modules())
    assert model(torch.randn(1, 3, 32, 32, generator=seeded())).shape == (1, 4)


def test_building_imports_no_torchvision():
    code = f"""
import sys, torch
from cnnlab.config import Model
from cnnlab.models import build
with torch.device("meta"):
    nets = [build(Model(name), in_channels=1, classes=10) for name in {list(RATES)}]
assert "torchvision" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
