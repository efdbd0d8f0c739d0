import pytest
import torch
from model_oracles import field, hollow, parameters
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.resnet import basic, bottleneck, cifar_resnet, resnet, shortcut
from cnnlab.techniques.joins import PaddedShortcut, zero_gamma_

pytestmark = pytest.mark.rows("H04")
PUBLISHED = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962, 1202: 19_421_274}


def same_weights(ours: nn.Module, theirs: nn.Module) -> None:
    """Give both the same weights, tensor by tensor in the order of registration."""
    values = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict(dict(values))


@pytest.mark.parametrize(("depth", "count"), PUBLISHED.items())
def test_option_a_has_the_published_parameters(depth, count):
    n = (depth - 2) // 6
    convolutions = 9 * (3 * 16 + 2 * n * 16**2 + 16 * 32 + (2 * n - 1) * 32**2 + 32 * 64 + (2 * n - 1) * 64**2)
    norms = 2 * (16 + 2 * n * (16 + 32 + 64))
    assert convolutions + norms + 65 * 10 == count
    assert parameters(lambda: cifar_resnet(depth=depth)) == count


def test_options_b_and_c_cost_their_projections():
    halvings = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    everywhere = halvings + 3 * (16**2 + 2 * 16) + 2 * (32**2 + 2 * 32) + 2 * (64**2 + 2 * 64)
    assert parameters(lambda: cifar_resnet(option="B")) == 269_722 + 2_752 == 272_474
    assert halvings == 2_752
    assert parameters(lambda: cifar_resnet(option="C")) == 269_722 + everywhere


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_the_nets_for_imagenet_have_the_parameters_of_timms(depth):
    import timm

    count = parameters(lambda: timm.create_model(f"resnet{depth}"))
    assert parameters(lambda: resnet(depth=depth)) == count


def test_the_first_convolution_takes_the_channels_asked_for():
    assert resnet(1, 10, depth=18).eval()(torch.randn(1, 1, 64, 64)).shape == (1, 10)


def test_a_basic_block_with_option_b_is_torchvisions():
    from torchvision.models.resnet import BasicBlock

    down = nn.Sequential(nn.Conv2d(6, 8, 1, stride=2, bias=False), nn.BatchNorm2d(8))
    theirs, ours = BasicBlock(6, 8, stride=2, downsample=down), basic(6, 8, 2, option="B")
    same_weights(ours, theirs)
    x = torch.randn(2, 6, 9, 9)
    torch.testing.assert_close(ours(x), theirs(x))


def test_a_bottleneck_is_torchvisions_and_has_69632_weights():
    from torchvision.models.resnet import Bottleneck

    theirs, ours = Bottleneck(256, 64), bottleneck(256, 256)
    same_weights(ours, theirs)
    x = torch.randn(2, 256, 5, 5)
    torch.testing.assert_close(ours(x), theirs(x))
    assert sum(p.numel() for p in ours.parameters() if p.ndim == 4) == 69_632


@pytest.mark.parametrize(("stride", "out_channels"), [(1, 6), (2, 6), (2, 10)])
def test_option_a_is_the_padded_shortcut_of_the_joins(stride, out_channels):
    x = torch.randn(2, 6, 7, 7)
    wanted = PaddedShortcut(out_channels, stride=stride)(x)
    assert torch.equal(shortcut("A", 6, out_channels, stride)(x), wanted)


def test_with_the_last_gamma_at_zero_a_stage_is_the_identity_of_what_a_relu_gives():
    net = zero_gamma_(cifar_resnet(3, 10)).eval()
    x = net[0](torch.randn(2, 3, 16, 16))
    assert torch.equal(net[1](x), x)


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_the_last_map_sees_28n_minus_3_pixels(depth):
    n = (depth - 2) // 6
    later = [(3, 2)] + [(3, 1)] * (2 * n - 1)
    assert field((3, 1), *[(3, 1)] * (2 * n), *later, *later) == (28 * n - 3, 4)
    seen = receptive_field(hollow(lambda: cifar_resnet(depth=depth))[:4], (1, 3, 64, 64))
    assert (seen.size[0], seen.jump[0]) == (28 * n - 3, 4)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: cifar_resnet(depth=21), r"depth must be 6n \+ 2: 8, 14, 20, ...; got 21"),
        (lambda: cifar_resnet(depth=2), r"depth must be 6n \+ 2: 8, 14, 20, ...; got 2"),
        (lambda: cifar_resnet(option="D"), 'shortcut option "D" is unknown; choose one of: A, B, C'),
        (lambda: cifar_resnet(activation="maxout"), "activation must be one that keeps the number of channels"),
        (lambda: resnet(depth=20), "depth must be 18, 34, 50, 101 or 152; got 20"),
    ],
    ids=["no n", "no blocks", "option", "maxout", "imagenet"],
)
def test_a_net_that_is_not_there_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_channels_cannot_be_padded_away():
    with pytest.raises(ValueError, match="out_channels must be at least in_channels, 8, to be padded; got 4"):
        basic(8, 4)
