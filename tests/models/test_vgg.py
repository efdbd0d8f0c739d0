import pytest
import torch
from model_oracles import field, hollow, multiply_adds, parameters
from torchvision import models
from torchvision.models.vgg import make_layers

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.vgg import stages, vgg

pytestmark = pytest.mark.rows("H02")


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_each_depth_has_the_weights_of_torchvisions(depth, batch_norm):
    theirs = getattr(models, f"vgg{depth}" + "_bn" * batch_norm)
    ours, wanted = hollow(lambda: vgg(depth=depth, batch_norm=batch_norm)), hollow(lambda: theirs(init_weights=False))
    shapes = [{name: weight.shape for name, weight in net.state_dict().items()} for net in (ours, wanted)]
    assert shapes[0] == shapes[1]


def test_the_published_counts():
    assert parameters(vgg) == 138_357_544
    assert parameters(lambda: vgg(depth=19)) == 143_667_240
    assert multiply_adds(vgg, 3, 224, 224) == 15_470_264_320
    assert multiply_adds(lambda: vgg(depth=19), 3, 224, 224) / 1e9 == pytest.approx(19.632, abs=5e-4)


def test_the_features_compute_what_torchvisions_do():
    ours = stages(3, 11, 64, batch_norm=True).eval()
    theirs = make_layers([64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"], batch_norm=True).eval()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(ours(x), theirs(x))


def test_vgg19_at_32_has_the_20_million_parameters_of_the_cifar_benchmark():
    assert parameters(lambda: vgg(3, 10, size="32", depth=19, batch_norm=True)) / 1e6 == pytest.approx(20.04, abs=0.005)


def test_vgg16_sees_212_pixels_at_the_last_pool_and_404_at_the_first_hidden_layer():
    layers = [layer for convolutions in (2, 2, 3, 3, 3) for layer in [(3, 1)] * convolutions + [(2, 2)]]
    assert field(*layers) == (212, 32)
    assert field(*layers, (7, 1))[0] == 404
    seen = receptive_field(hollow(vgg).features, (1, 3, 224, 224))
    assert (seen.size[0], seen.jump[0]) == (212, 32)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="depth must be 11, 13, 16 or 19; got 12"):
        vgg(depth=12)
    with pytest.raises(ValueError, match='width must be 64 at size="paper"; got 32'):
        hollow(lambda: vgg(width=32))
    with pytest.raises(ValueError, match='size "48" is unknown; choose one of: 32, paper'):
        vgg(size="48", depth=11, width=4)
    with pytest.raises(ValueError, match="takes 32 features, which images of 32x32 give; got a map of .32, 2, 2."):
        vgg(size="32", depth=11, width=4)(torch.randn(1, 3, 64, 64))
