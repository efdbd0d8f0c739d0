import copy
import functools
import math
import random
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.arithmetic.receptive import effective_size, influence, receptive_field, receptive_fields
from cnnlab.arithmetic.table import layer_table
from cnnlab.graph import trace
from cnnlab.models.plain import Plain

pytestmark = pytest.mark.rows("C05")


@functools.cache
def on_meta(name: str) -> nn.Module:
    import torchvision

    with torch.device("meta"):
        return getattr(torchvision.models, name)(**({"init_weights": False} if name == "googlenet" else {}))


def caffenet() -> nn.Sequential:
    """CaffeNet for 227 pixels up to fc6; every layer's name is its place."""
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Flatten(), nn.Linear(9216, 4096)),
    )


def mobilenet_v1() -> nn.Sequential:
    widths = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, 2, 1)]
    for i, (before, after) in enumerate(pairwise(widths)):
        layers += [nn.Conv2d(before, before, 3, 2 if i in (1, 3, 5, 11) else 1, 1, groups=before)]
        layers += [nn.Conv2d(before, after, 1)]
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("layer", "size", "jump"), [("12", 195, 32), ("14", 355, 32)], ids=["pool5", "fc6"]
)  # oracles_computed.csv; 355 is in table 1 of Long et al. 2015
def test_caffenet_sees_what_the_fcn_paper_says(layer, size, jump):
    with torch.device("meta"):
        field = receptive_field(caffenet(), (1, 3, 227, 227), layer)
    assert (field.size, field.jump) == ((size, size), (jump, jump))


@pytest.mark.parametrize(("layer", "size"), [("features.30", 212), ("classifier.0", 404), (None, 404)])
def test_vgg16_sees_what_the_fcn_paper_says(layer, size):
    field = receptive_field(on_meta("vgg16"), (1, 3, 224, 224), layer)
    assert (field.size, field.jump) == ((size, size), (32, 32))


def test_googlenet_sees_907_pixels_before_its_last_layer():
    """Torchvision has 3x3 kernels where the paper has 5x5, and one 2x2 pool where it has 3x3."""
    net = copy.deepcopy(on_meta("googlenet"))
    net.maxpool4 = nn.MaxPool2d(3, 2, ceil_mode=True)
    for name, module in net.named_modules():
        if name.endswith("branch3.1.conv"):
            module.kernel_size, module.padding = (5, 5), (2, 2)
            module.weight = nn.Parameter(torch.empty(*module.weight.shape[:2], 5, 5, device="meta"))
    field = receptive_field(net, (1, 3, 224, 224))
    assert (field.size, field.jump) == ((907, 907), (32, 32))


def test_mobilenet_v1_sees_what_araujo_et_al_say():
    with torch.device("meta"):
        field = receptive_field(mobilenet_v1(), (1, 3, 224, 224))
    assert (field.size, field.jump) == ((315, 315), (32, 32))


@pytest.mark.parametrize("n", range(1, 8))
def test_a_stack_of_3x3_sees_2n_plus_1(n):
    field = receptive_field(nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in range(n))), (1, 1, 32, 32))
    assert field.size == (2 * n + 1,) * 2


# ---------------------------------------------------------------------------------- the support of the gradient


class Sum(nn.Module):
    """Branches summed."""

    def __init__(self, *branches: nn.Module):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return sum(branch(x) for branch in self.branches)


class Concatenate(Sum):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class Stack(Sum):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([branch(x) for branch in self.branches]).mean(dim=0)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def shuffle(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def channels_last(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(Function(lambda x: x.permute(0, 2, 3, 1)), layer, Function(lambda x: x.permute(0, 3, 1, 2)))


def random_block(draw: random.Random) -> nn.Module:
    """Four channels in, four out."""
    k, d, s = draw.randint(1, 4), draw.randint(1, 2), draw.choice([1, 1, 2, 3])
    odd = draw.choice([1, 3, 5])
    same = nn.Conv2d(4, 4, (odd, 1), padding=(odd // 2, 0))
    return draw.choice(
        [
            lambda: nn.Conv2d(4, 4, (k, draw.randint(1, 3)), s, draw.randint(0, 2), d, groups=2),
            lambda: nn.AvgPool2d(k, s, padding=draw.randint(0, k // 2), ceil_mode=draw.random() < 0.5),
            lambda: nn.ConvTranspose2d(4, 4, k, padding=draw.randint(0, k - 1), dilation=d),
            lambda: Sum(nn.Identity(), nn.Sequential(same, nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1))),
            lambda: Sum(nn.Conv2d(4, 4, 3, 2, padding=1), Function(lambda x: x[:, :, ::2, ::2])),
            lambda: nn.Sequential(
                Concatenate(nn.Conv2d(4, 1, 1), nn.Conv2d(4, 2, 5, padding=2), nn.AvgPool2d(3, 1, 1)),
                nn.Conv2d(7, 4, 1),
            ),
            lambda: Stack(nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1), same),
            lambda: nn.Sequential(Function(shuffle), nn.Conv2d(4, 4, 3, groups=4)),
            lambda: Concatenate(
                Function(lambda x: x.chunk(2, dim=1)[0]),
                nn.Sequential(Function(lambda x: x.chunk(2, 1)[1]), nn.Identity()),
            ),
            lambda: nn.Sequential(Function(lambda x: F.pad(x, (1, 2, 0, 3))), nn.Conv2d(4, 4, 3)),
            lambda: Function(lambda x: x[:, :, 2:, 1:-3]),
            lambda: channels_last(nn.Linear(4, 4)),
            lambda: Function(lambda x: x.flatten(1).unflatten(1, x.shape[1:]).reshape(2, 2, *x.shape[2:]).view_as(x)),
        ]
    )()


def positive(net: nn.Module) -> nn.Module:
    """Positive weights and no activation: no path of the gradient cancels another."""
    for parameter in net.parameters():
        nn.init.uniform_(parameter, 0.5, 1)
    return net.double().eval()


def support(net: nn.Module, shape: tuple[int, ...], place: tuple[int, ...]) -> list[tuple[int, int]]:
    """First pixel and last along each axis that move the output at `place`."""
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[(slice(None), slice(None), *place)].sum(), x)
    where = gradient.sum(dim=(0, 1)).nonzero()
    return list(zip(where.amin(0).tolist(), where.amax(0).tolist(), strict=True))


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_see_the_support_of_the_gradient(seed):
    draw = random.Random(seed)
    torch.manual_seed(seed)
    shape = (1, 3, 120, 131)
    net = positive(nn.Sequential(nn.Conv2d(3, 4, 1), *(random_block(draw) for _ in range(draw.randint(2, 6)))))
    field = receptive_field(net, shape)
    place = tuple(n // 2 for n in net(torch.ones(shape, dtype=torch.float64)).shape[2:])
    want = [
        (start + i * jump, start + i * jump + size - 1)
        for i, start, size, jump in zip(place, field.start, field.size, field.jump, strict=True)
    ]
    assert support(net, shape, place) == want


@pytest.mark.parametrize("axes", [1, 3])
def test_one_and_three_axes_see_the_support_of_the_gradient(axes):
    conv, pool = (nn.Conv1d, nn.AvgPool1d) if axes == 1 else (nn.Conv3d, nn.AvgPool3d)
    net, shape = positive(nn.Sequential(conv(1, 2, 3, 2), pool(2, 1), conv(2, 1, 2, dilation=2))), (1, 1, *[25] * axes)
    field, places = receptive_field(net, shape), (4,) * axes
    want = [(s + 4 * j, s + 4 * j + n - 1) for s, n, j in zip(field.start, field.size, field.jump, strict=True)]
    assert support(net, shape, places) == want


class Readers(nn.Module):
    """GLU, a reflected border, a shortcut padded with new channels: the pieces of the reader's networks."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        short = x[:, :, ::2, ::2]
        return F.glu(self.conv(x), dim=1)[:, :, ::2, ::2] + torch.cat([short, torch.zeros_like(short)], 1)[:, :4]


def test_a_readers_block_sees_the_support_of_the_gradient():
    net = positive(nn.Sequential(nn.Conv2d(3, 4, 1), Readers(), nn.LocalResponseNorm(3), nn.RReLU()))
    field = receptive_field(net, (1, 3, 32, 32))
    first = field.start[0] + 8 * field.jump[0]
    assert support(net, (1, 3, 32, 32), (8, 8)) == [(first, first + field.size[0] - 1)] * 2 == [(15, 17)] * 2


def test_cnnlabs_plain_network_can_be_read():
    field = receptive_field(Plain(3, 10), (1, 3, 32, 32), "stages.4.0")
    assert (field.size, field.jump) == ((1 + 2 + 1 + 4 + 2 + 8,) * 2, (4, 4))


def test_max_pools_see_like_average_pools():
    def net(pool):
        return nn.Sequential(nn.Conv2d(3, 4, 5, 2), pool(3, 2, 1), nn.Conv2d(4, 4, 3), pool(2, 2, ceil_mode=True))

    assert receptive_field(net(nn.MaxPool2d), (1, 3, 65, 65)) == receptive_field(net(nn.AvgPool2d), (1, 3, 65, 65))


class Gate(nn.Module):
    """Squeeze-and-excitation with linear layers and a reshape."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.layer(x.mean(dim=(2, 3))).view(*x.shape[:2], 1, 1)


@pytest.mark.parametrize(
    "global_layer",
    [Gate(), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.Softmax(dim=2)],
    ids=["gate", "group_norm", "instance_norm", "softmax"],
)
def test_what_looks_at_the_whole_map_sees_everything(global_layer):
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2, padding=1), global_layer, nn.Conv2d(4, 4, 3, padding=1)).double()
    assert receptive_field(net, (1, 3, 16, 16)).size[0] == math.inf
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[0, 0, 0, 0], x)
    assert (gradient[0].abs().sum(dim=(0, 2)) > 0).all()  # every row of the image


def test_layer_norm_over_channels_leaves_the_field_alone():
    class ConvNeXtBlock(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(8, 8, 7, padding=3, groups=8), nn.LayerNorm(8)
            self.wide, self.narrow = nn.Linear(8, 32), nn.Linear(32, 8)

        def forward(self, x: Tensor) -> Tensor:
            y = self.norm(self.conv(x).permute(0, 2, 3, 1))
            return x + self.narrow(F.gelu(self.wide(y))).permute(0, 3, 1, 2)

    net = nn.Sequential(nn.Conv2d(3, 8, 4, 4), ConvNeXtBlock(), ConvNeXtBlock()).double()
    field = receptive_field(net, (1, 3, 128, 128))
    assert (field.size, field.jump) == ((4 + 2 * 6 * 4,) * 2, (4, 4))
    first = field.start[0] + 16 * 4
    assert support(net, (1, 3, 128, 128), (16, 16)) == [(first, first + field.size[0] - 1)] * 2


def test_a_global_pool_counts_as_a_window_of_the_maps_size():
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    field = receptive_field(net, (1, 3, 33, 33))
    assert (field.start, field.size, field.jump) == ((0, 0), (33, 33), (2, 2))


# ---------------------------------------------------------------------------------- all of torchvision, and refusals

READ = [
    *("alexnet", "vgg11_bn", "vgg16", "resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2", "googlenet"),
    *("densenet121", "mobilenet_v2", "mobilenet_v3_small", "squeezenet1_0", "shufflenet_v2_x0_5", "mnasnet0_5"),
    *("efficientnet_b0", "convnext_tiny"),
]


@pytest.mark.parametrize("name", READ)
def test_torchvisions_classifiers_can_be_read(name):
    graph = trace(on_meta(name), (1, 3, 224, 224))
    assert set(receptive_fields(graph)) == set(graph.by_name)


@pytest.mark.parametrize(
    ("name", "size"), [("resnet18", 435), ("resnet50", 427), ("mobilenet_v2", 491)]
)  # by hand: 1 + sum of (k - 1) j over the longest branch; Araujo et al. have 483 for ResNet-50 with the stride on the 1x1
def test_the_last_map_of_known_networks(name, size):
    graph = trace(on_meta(name), (1, 3, 224, 224))
    last = [node.name for node in graph.nodes if node.op == "conv"][-1]
    assert receptive_fields(graph)[last].size == (size, size)


class Upsampled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2) * 2


class Attention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2) @ x.flatten(2).transpose(1, 2)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.FractionalMaxPool2d(2, 5), "operation fractional_max_pool: no rule"),
        (Upsampled(), 'stops at "forward", operation upsample_nearest: no rule says what it sees'),
        (Attention(), "operation bmm: no rule"),
        (nn.ConvTranspose2d(3, 3, 4, 2), "operation conv: with a stride its places see different numbers of pixels"),
        (nn.AdaptiveAvgPool2d(5), "operation adaptive_avg_pool: 16 places do not divide into 5 equal windows"),
        (Function(lambda x: x.chunk(2, dim=2)[1]), "operation split.*: it cuts an axis of the map into pieces"),
        (Function(lambda x: x.view(1, 3, 2, 8, 16)), "operation view: it cuts an axis of the map into pieces"),
        (Function(lambda x: torch.cat([x, x], 2)), "operation cat: it lays maps end to end"),
        (Function(lambda x: x[:, :, ::2, ::2] + x[:, :, :8, :8]), r"joins branches with jumps 1\.?0?, 2"),
        (Function(lambda x: x * x[:, :, :1, :1]), "one operand is the same for all places and sees only a part"),
        (Function(lambda x: F.avg_pool1d(x.flatten(2), 3)), "neighbors in a dimension that was flattened from several"),
    ],
    ids=[
        "fractional",
        "upsample",
        "attention",
        "transposed",
        "adaptive",
        "chunk",
        "view",
        "cat",
        "jumps",
        "broadcast",
        "flattened",
    ],
)
def test_an_operation_without_a_rule_is_refused_by_name(module, message):
    with pytest.raises(ValueError, match=message):
        receptive_field(module, (1, 3, 16, 16))


def test_an_unknown_layer_is_refused():
    with pytest.raises(ValueError, match="layer must be one of input, 0; got 'conv1'"):
        receptive_field(nn.Sequential(nn.Conv2d(1, 1, 3)), (1, 1, 8, 8), "conv1")
    deep = nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(99)))
    with pytest.raises(ValueError, match=r"one of input, 0, 1, 2, 3, 4, \.\.\. \(100 in all\), 98; got 'conv1'"):
        receptive_field(deep, (1, 1, 8, 8), "conv1")


def test_without_a_map_there_is_no_field():
    with pytest.raises(ValueError, match=r"shape must be \(N, C, \*axes\) with at least one axis to see along; got"):
        receptive_field(nn.Linear(3, 4), (2, 3))
    with pytest.raises(ValueError, match=r"outputs must be computed from the input; got \(\)"):
        receptive_field(Function(lambda x: torch.ones(3)), (1, 1, 8, 8))


# ---------------------------------------------------------------------------------- the effective field


def test_influence_of_equal_weights_is_the_triangle_of_two_boxes():
    net = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.Conv2d(1, 1, 3, bias=False)).double()
    for layer in net:
        nn.init.ones_(layer.weight)
    got = influence(net, torch.rand(2, 1, 9, 9, dtype=torch.float64))
    row = torch.tensor([1.0, 2, 3, 2, 1], dtype=torch.float64)
    torch.testing.assert_close(got[2:7, 2:7], row.outer(row))
    assert got.count_nonzero() == 25


def test_the_effective_field_grows_like_the_root_of_the_depth():
    """Boxes convolved n times tend to a Gaussian of variance n (k² - 1) / 12."""

    def side(n: int) -> float:
        net = nn.Sequential(*(nn.Conv2d(1, 1, 3, bias=False) for _ in range(n))).double()
        for layer in net:
            nn.init.constant_(layer.weight, 1 / 9)
        return effective_size(influence(net, torch.zeros(1, 1, 2 * n + 1, 2 * n + 1, dtype=torch.float64))).item()

    level = math.sqrt(-2 * math.log(1 - 0.9545))  # where a Gaussian has fallen to it, in deviations
    for n in (10, 40):
        assert side(n) == pytest.approx(math.sqrt(math.pi * level**2 * n * 8 / 12), rel=0.06)
    assert side(40) < 81  # the theoretical one


def test_influence_is_that_of_evaluation_and_leaves_the_module_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.BatchNorm2d(1), nn.Dropout(0.9))
    nn.init.ones_(net[0].weight)
    net[1].eval()
    got = influence(net, torch.randn(4, 1, 5, 5))
    assert got[1:4, 1:4].tolist() == [[pytest.approx(1, rel=1e-4)] * 3] * 3  # no noise, the statistics of a new norm
    assert net.training and net[2].training and not net[1].training
    net.train()
    influence(net, torch.randn(4, 1, 5, 5))
    assert net[1].running_mean.item() == net[1].num_batches_tracked.item() == 0


def test_influence_needs_a_map():
    with pytest.raises(ValueError, match=r"the output must be a map \(N, C, H, W\); got \(1, 2\)"):
        influence(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.zeros(1, 1, 2, 2))


@pytest.mark.rows("C05", "C06", "C07")
def test_the_table_has_one_aligned_row_a_layer():
    net = nn.Sequential(nn.Conv2d(3, 8, (3, 1), 2), nn.ReLU(), Upsampled(), nn.Conv2d(8, 4, 1))
    assert str(layer_table(trace(net, (1, 3, 9, 9)))).splitlines() == [
        "layer  op    kernel  stride   shape  sees  jump  parameters  multiply-adds",
        "0      conv     3x1       2   8x4x5   3x1     2          80          1,440",
        "3      conv       1       1  4x8x10                      36          2,560",
        "total                                                   116          4,000",
    ]


@pytest.mark.rows("C05", "C06", "C07")
def test_the_table_of_a_network_without_a_map_has_empty_columns():
    assert str(layer_table(trace(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), (2, 3)))).splitlines() == [
        "layer  op      kernel  stride  shape  sees  jump  parameters  multiply-adds",
        "0      linear                      4                      16             24",
        "total                                                     16             24",
    ]
