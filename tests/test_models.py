import pytest
import torch
from torch import nn

from cnnlab.config import Model
from cnnlab.models import build
from cnnlab.models.plain import Plain


def convolutions(model: nn.Module) -> list[nn.Conv2d]:
    return [module for module in model.modules() if isinstance(module, nn.Conv2d)]


@pytest.mark.parametrize("depth", [3, 4, 5, 12, 17])
def test_plain_has_the_depth_it_was_asked_for(depth):
    model = Plain(3, 10, depth, 16)
    widths = [conv.out_channels for conv in convolutions(model)]
    assert len(widths) == depth and widths == sorted(widths) and set(widths) == {16, 32, 64}
    assert model(torch.randn(2, 3, 16, 16)).shape == (2, 10)


def test_plain_has_the_parameters_that_arithmetic_says():
    widths = [3] + [16] * 4 + [32] * 4 + [64] * 4
    by_hand = sum(9 * a * b + b for a, b in zip(widths, widths[1:], strict=False)) + 64 * 10 + 10
    assert sum(p.numel() for p in Plain(3, 10, 12, 16).parameters()) == by_hand == 169_722


def test_maxout_doubles_the_filters_and_not_the_width():
    model = Plain(3, 10, 6, 8, "maxout")
    assert [conv.out_channels for conv in convolutions(model)] == [16, 16, 32, 32, 64, 64]
    assert model.head.in_features == 32


def test_a_net_too_shallow_for_its_stages_is_refused():
    with pytest.raises(ValueError, match="its depth is at least 3; got 2"):
        Plain(1, 10, depth=2)


def test_an_unknown_model_lists_the_choices():
    with pytest.raises(ValueError, match='model "plane" is unknown; choose one of: .*plain'):
        build(Model(model="plane"), in_channels=1, classes=10)


def test_a_field_the_model_does_not_read_is_refused(monkeypatch):
    monkeypatch.setitem(__import__("cnnlab.models").models.MODELS, "plain", (Plain, ("depth", "width")))
    with pytest.raises(
        ValueError, match='model "plain" does not read activation .got .tanh..; leave it at its default'
    ):
        build(Model(activation="tanh"), in_channels=1, classes=10)


@pytest.mark.parametrize("value", [0, -4, 2.5])
@pytest.mark.parametrize("name", ["in_channels", "classes", "width", "depth"])
@pytest.mark.parametrize("model", ["plain", "alexnet", "resnet20"])
def test_a_size_that_is_no_whole_number_from_one_is_refused(model, name, value):
    sizes = {"in_channels": 1, "classes": 10, "width": 16, "depth": 3} | {name: value}
    config = Model(model, width=sizes.pop("width"), depth=sizes.pop("depth"))
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1; got {value}"):
        build(config, **sizes)
