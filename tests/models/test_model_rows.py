"""Every row of MODELS is the net that its name says: its parameters, and where two rows have as many, its layers."""

import pytest
import torch
from model_oracles import hollow, parameters
from test_models_at_32 import RATES
from test_residual_families import REGISTERED
from torch import nn
from torchvision import models

from cnnlab.config import Model
from cnnlab.models import MODELS, build
from cnnlab.models.resnet_in_resnet import TwoStreams
from cnnlab.models.stagewise import Taylor
from cnnlab.techniques.fractal import Boosted
from cnnlab.techniques.joins import Residual
from cnnlab.techniques.paths import StochasticDepth

HEAD = 990 * 1025  # what ten classes save of a thousand, on 1024 features


def row(name: str, width: int | None) -> nn.Module:
    return build(Model(name) if width is None else Model(name, width=width), in_channels=3, classes=10)


def alexnet() -> int:
    convolutions = (75 + 1) * 96 + (25 * 48 + 1) * 256 + (9 * 256 + 1) * 384 + (9 * 192 + 1) * (384 + 256)
    return convolutions + (256 * 4**2 + 1) * 512 + 513 * 512 + 513 * 10


def vgg(name: str) -> int:
    """torchvision's convolutions, then one linear layer from 512 features."""
    return parameters(lambda: getattr(models, name)().features) + 513 * 10


def googlenet() -> int:
    """torchvision's blocks, with biases and with the paper's 5x5 where it has 3x3, behind a stem of one convolution."""
    net = hollow(lambda: models.googlenet(init_weights=False, aux_logits=False))
    blocks = [module for name, module in net.named_children() if name.startswith("inception")]
    filters = [p.shape[0] for block in blocks for p in block.parameters() if p.ndim == 4]
    fives = sum(block.branch3[1].conv.weight.numel() * (25 - 9) // 9 for block in blocks)
    stem = (27 + 3) * 192
    return stem + sum(p.numel() for block in blocks for p in block.parameters()) + sum(filters) + fives + 1025 * 10


def residual_googlenet() -> int:
    """A 1x1 convolution behind each block, and one around it where the width changes."""
    widths = (192, 256, 480, 512, 512, 512, 528, 832, 832, 1024)
    pairs = list(zip(widths, widths[1:], strict=False))
    return googlenet() + sum((after + 1) * after + (before + 1) * after * (before != after) for before, after in pairs)


def henet() -> int:
    stages = 257 * 128 + 3 * 513 * 128 + 513 * 256 + 3 * 1025 * 256 + 1025 * 2304 + (4 * 2304 + 1) * 256
    return 28 * 64 + stages + (256 * 2**2 + 1) * 512 + 513 * 512 + 513 * 10


def resnet(depth: int) -> int:
    """Option A: 3x3 convolutions, each with a normalization, and the linear layer."""
    widths = [3, 16] + [16 * 2**stage for stage in range(3) for _ in range((depth - 2) // 3)]
    return sum(9 * a * b + 2 * b for a, b in zip(widths, widths[1:], strict=False)) + 65 * 10


def wide_resnet(depth: int, widen: int) -> int:
    count, before = 27 * 16, 16
    for after in (16 * widen, 32 * widen, 64 * widen):
        first = 2 * before + 9 * before * after + 2 * after + 9 * after * after + before * after
        count += first + ((depth - 4) // 6 - 1) * (4 * after + 18 * after * after)
        before = after
    return count + 2 * before + (before + 1) * 10


def densenet40() -> int:
    count, channels = 27 * 16, 16
    for block in range(3):
        for _ in range(12):
            count, channels = count + 2 * channels + 9 * channels * 12, channels + 12
        count += 2 * channels + (channels * channels if block < 2 else 0)
    return count + (channels + 1) * 10


FRACTAL = 33_698_880 + 7 * 2 * (64 + 128 + 256 + 512 + 512) + 513 * 10
COUNTS = {  # at a width, the paper's where a paper has one: numbers of papers, torchvision's, or closed forms
    "plain": (None, 28 * 16 + 145 * 32 + 289 * 64 + 65 * 10),
    "workbench": (None, 28 * 16 + 145 * 32 + 289 * 64 + 65 * 10),
    "alexnet": (96, alexnet()),
    "caffenet": (96, alexnet()),
    "caffenet_all": (96, alexnet() + 256 * (16 + 4 + 1 - 4**2) * 512 + 4 * 10 + 11 * 3),
    "vgg11": (64, vgg("vgg11")),
    "vgg16": (64, vgg("vgg16")),
    "vgg16_bn": (64, vgg("vgg16_bn")),
    "vgg19_bn": (64, vgg("vgg19_bn")),
    "googlenet": (64, googlenet()),
    "googlenet_residual": (64, residual_googlenet()),
    "squeezenet": (64, parameters(lambda: models.squeezenet1_1(num_classes=10))),
    "darknet": (16, 7_319_416 - HEAD),
    "henet": (64, henet()),
    "mobilenet": (32, 4_231_976 - HEAD),
    "xception": (32, 22_855_952 - 990 * 2049),
    "nin": (192, 966_986),
    "allcnn": (96, 1_369_738),
    "fitnet4": (32, 1_276_806),
    "fitresnet4": (32, 1_276_806),
    "resnet20": (16, resnet(20)),
    "resnet56": (16, resnet(56)),
    "resnet110": (16, resnet(110)),
    "resnet20_preactivation": (16, resnet(20)),
    "resnet56_preactivation": (16, resnet(56)),
    "resnet20_weighted": (16, resnet(20) + 9),
    "resnet20_elu": (16, resnet(20) - 2 * (16 + 3 * (16 + 32 + 64))),
    "resnet_in_resnet": (16, resnet(20)),
    "ror": (16, resnet(20) + (16 * 32 + 64) + (32 * 64 + 128) + (16 * 64 + 128)),
    "stochastic_depth110": (16, resnet(110)),
    "wide_resnet16_4": (None, wide_resnet(16, 4)),
    "wide_resnet28_10": (None, wide_resnet(28, 10)),
    "resnext29": (64, 34_426_698),
    "densenet40": (None, densenet40()),
    "densenet_bc100": (None, 769_162),
    "fractalnet": (64, FRACTAL),
    "fractalnet_average": (64, FRACTAL),
    "fractal_of_fractalnet": (64, 38_519_370),
    "stagewise_boosting": (64, 38_519_370 + 2 * 512),
    "taylor_series": (64, 38_519_370 + 2 * 512),
}
KINDS = {  # how often a layer stands in a row whose parameters another row has too
    "alexnet": (nn.LocalResponseNorm, 2),
    "caffenet": (nn.LocalResponseNorm, 0),
    "fitnet4": (Residual, 0),
    "fitresnet4": (Residual, 1 + 2 + 2),
    "resnet20": (Residual, 9),
    "resnet20_preactivation": (Residual, 0),
    "resnet_in_resnet": (TwoStreams, 18),
    "resnet110": (StochasticDepth, 0),
    "stochastic_depth110": (StochasticDepth, 54),
    "fractalnet": (nn.MaxPool2d, 5),
    "fractalnet_average": (nn.AvgPool2d, 5),
    "stagewise_boosting": (Boosted, 1),
    "taylor_series": (Taylor, 1),
}


def test_the_tables_of_the_tests_name_every_row():
    assert set(COUNTS) == set(MODELS) == {"plain", "workbench", *RATES, *REGISTERED}


@pytest.mark.parametrize("name", COUNTS)
def test_a_row_has_the_parameters_of_the_net_it_is_named_for(name):
    width, count = COUNTS[name]
    assert parameters(lambda: row(name, width)) == count


@pytest.mark.parametrize("name", KINDS)
def test_a_row_has_the_layers_it_is_named_for(name):
    kind, times = KINDS[name]
    assert sum(isinstance(module, kind) for module in hollow(lambda: row(name, None)).modules()) == times


def test_no_two_rows_are_one_net():
    nets = {name: repr(hollow(lambda name=name: row(name, None))) for name in MODELS}
    assert len(set(nets.values())) == len(nets)


@pytest.mark.parametrize("depth", [20, 56])
def test_preactivation_normalizes_before_it_convolves(depth):
    net = hollow(lambda: row(f"resnet{depth}_preactivation", None))
    branches = [block.branch for stage in net[1:4] for block in stage]
    assert len(branches) == (depth - 2) // 2
    assert all(isinstance(branch[0], nn.BatchNorm2d) for branch in branches[1:])


def test_the_averaging_fractal_net_takes_no_maximum():
    net = hollow(lambda: row("fractalnet_average", 4))
    assert not any(isinstance(module, nn.MaxPool2d) for module in net.modules())
    assert net(torch.empty(1, 3, 32, 32, device="meta")).shape == (1, 10)
