import pytest
import torch
from torch import nn

from cnnlab import models
from cnnlab.config import Model
from cnnlab.models.plain import Plain
from cnnlab.techniques.joins import Residual
from cnnlab.techniques.maxout import Maxout

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def build(**fields) -> nn.Module:
    return models.build(Model(model="workbench", **fields), in_channels=3, classes=10)


def parameters(**fields) -> int:
    return sum(weight.numel() for weight in build(**fields).parameters())


def of(kind, net) -> list:
    return [module for module in net.modules() if isinstance(module, kind)]


def test_without_options_it_is_the_plain_net():
    """Same weights, same logits: the head's 1x1 convolution is the linear layer."""
    plain, bench = Plain(3, 10, depth=7, width=8, activation="tanh"), build(depth=7, width=8, activation="tanh")
    own = list(plain.parameters())
    assert len(own) == len(list(bench.parameters()))
    with torch.no_grad():
        for weight, other in zip(bench.parameters(), own, strict=True):
            weight.copy_(other.view_as(weight))
    torch.testing.assert_close(bench(IMAGES), plain(IMAGES))


@pytest.mark.parametrize(
    ("placement", "order"), [("before", (nn.BatchNorm2d, nn.ReLU)), ("after", (nn.ReLU, nn.BatchNorm2d))]
)
def test_normalization_stands_where_placed(placement, order):
    layers = of((nn.BatchNorm2d, nn.ReLU), build(depth=3, placement=placement))
    assert tuple(map(type, layers)) == order * 3


def test_parameters_in_closed_form():
    w = 8
    convolutions = 9 * (3 * w + w * 2 * w + 2 * w * 4 * w)
    biases, norms, classifier = 7 * w, 2 * 7 * w, 10 * 4 * w + 10
    assert parameters(width=w) == convolutions + biases + classifier
    assert parameters(width=w, bias=False) == convolutions + classifier
    assert parameters(width=w, bias=False, placement="after") == convolutions + norms + classifier
    assert parameters(width=w, kernel_size=5) == convolutions * 25 // 9 + biases + classifier
    assert parameters(width=w, color="F") == convolutions + biases + classifier + 73


@pytest.mark.parametrize(
    ("pooling", "window", "side"),
    [("max", "2/2", 4), ("average", "3/2", 3), ("max", "3/2+1", 4), ("max_average", "2/2", 4), ("strided", "2/2", 4)],
)
def test_pooling_gives_the_map_of_its_window(pooling, window, side):
    net = build(pooling=pooling, pool_window=window, head="clf_avg")
    assert net[:-1](IMAGES).shape == (2, 64, side, side)


def test_without_padding_the_map_shrinks():
    # 16, 14, 12 pooled to 6, 4 pooled to 2, and then no 3x3 convolution has room; 32 pixels leave 4 in the end
    net, images = build(padding="none", head="clf_avg"), torch.randn(1, 3, 32, 32)
    assert net[:-1](images).shape[-1] == 4


def test_padding_modes_agree_away_from_the_border():
    zeros, mirrored = build(padding="zeros"), build(padding="reflect")
    mirrored.load_state_dict(zeros.state_dict())
    one, other = zeros[0](IMAGES), mirrored[0](IMAGES)
    torch.testing.assert_close(one[..., 1:-1, 1:-1], other[..., 1:-1, 1:-1])
    assert (one - other)[..., 0, :].abs().max() > 0.01


@pytest.mark.parametrize(("skip", "blocks"), [(0, 0), (1, 21), (2, 9), (3, 6), (6, 3)])
def test_skips_lie_around_so_many_convolutions(skip, blocks):
    net = build(depth=24, skip=skip, placement="before")
    assert len(of(Residual, net)) == blocks
    assert parameters(depth=24, skip=skip, placement="before") == parameters(depth=24, placement="before")
    for block in of(Residual, net):
        assert len(of(nn.Conv2d, block)) == skip and len(of(nn.ReLU, block)) == skip - 1


def test_maxout_has_twice_the_filters_and_no_skips():
    assert len(of(Maxout, build(activation="maxout"))) == 3
    with pytest.raises(ValueError, match="activation must be one that keeps its channels"):
        build(activation="maxout", skip=2, depth=9)


def test_a_fully_connected_head_reads_a_map_of_4x4():
    net = build(head="20F_clf", dropout=0.5)
    assert net(IMAGES).shape == net(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert parameters(head="20F_clf") - parameters() == 16 * 64 * 20 + 20 + 20 * 10 - 64 * 10
    assert [layer.p for layer in of(nn.Dropout, net)] == [0.5]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"depth": 2}, "depth must be at least 3"),
        ({"pool_window": "2x2"}, "pool_window must be kernel/stride"),
        ({"padding": "same"}, 'padding "same" is unknown; choose one of: '),
        (
            {"convolution": "row_column", "padding": "none"},
            'padding must be "zeros" where the convolution is row_column',
        ),
        ({"dropout": 0.5}, "dropout must be 0 where the head, avg_clf, has no hidden layer"),
        ({"head": "SPP3_clf", "dropout": 0.5}, "has no hidden layer"),
        ({"pooling": "median"}, 'pooling "median" is unknown'),
        ({"convolution": "deformable"}, 'convolution "deformable" is unknown'),
        ({"placement": "between"}, 'placement "between" is unknown'),
        ({"color": "Z"}, 'learned color space "Z" is unknown'),
    ],
)
def test_a_part_that_does_not_fit_is_told(fields, words):
    with pytest.raises(ValueError, match=words):
        build(**fields)


def test_a_learned_color_space_needs_colors():
    with pytest.raises(ValueError, match="in_channels must be 3 where a color space is learned"):
        models.build(Model(model="workbench", color="F"), in_channels=1, classes=10)
