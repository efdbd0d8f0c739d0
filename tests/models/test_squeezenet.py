import pytest
import torch
from model_oracles import field, hollow, maps, parameters
from torch import nn
from torchvision import models
from torchvision.models.squeezenet import Fire

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.squeezenet import fire, squeezenet

pytestmark = pytest.mark.rows("H18")


def test_a_fire_module_has_the_sheets_parameters():
    layers = [sum(p.numel() for p in layer.parameters()) for layer in fire(128, 16, 64).modules() if is_conv(layer)]
    assert layers == [2_064, 1_088, 9_280] and parameters(lambda: fire(128, 16, 64)) == 12_432


def is_conv(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d)


def test_a_fire_module_computes_what_torchvisions_does_in_its_order():
    ours, theirs = fire(12, 3, 5), Fire(12, 3, 5, 5)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(2, 12, 6, 6)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_papers_size_is_torchvisions():
    assert parameters(squeezenet) == parameters(models.squeezenet1_1) == 1_235_496


def test_the_small_one_has_torchvisions_weights_at_full_width():
    assert parameters(lambda: squeezenet(3, 1000, size="32")) == 1_235_496
    assert maps(hollow(lambda: squeezenet(size="32")), (3, 32, 32), (nn.MaxPool2d,)) == [(128, 16, 16), (256, 8, 8)]


def test_the_last_fire_module_sees_207_pixels():
    layers = [(3, 2), (3, 2), *[(3, 1)] * 2, (3, 2), *[(3, 1)] * 2, (3, 2), *[(3, 1)] * 4]
    seen = receptive_field(hollow(squeezenet).features, (1, 3, 224, 224))
    assert (seen.size[0], seen.jump[0]) == field(*layers) == (207, 16)


def test_what_torchvision_cannot_build_is_refused():
    with pytest.raises(ValueError, match='width must be 64 at size="paper"; got 32'):
        squeezenet(width=32)
    with pytest.raises(ValueError, match='in_channels must be 3 at size="paper"; got 1'):
        squeezenet(1)
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        squeezenet(size="64")
