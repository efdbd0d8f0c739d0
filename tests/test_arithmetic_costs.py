import functools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from cnnlab.arithmetic.costs import count_activations, count_macs, count_parameters, head_share, information_density
from cnnlab.arithmetic.pareto import best_within, dominates, pareto_depth, pareto_front
from cnnlab.graph import trace

IMAGE = (1, 3, 224, 224)


@functools.cache
def on_meta(name: str) -> nn.Module:
    import torchvision

    with torch.device("meta"):
        return getattr(torchvision.models, name)(**({"init_weights": False} if name == "googlenet" else {})).eval()


def flops(module: nn.Module, *inputs: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        module(*inputs)
    return counter.get_total_flops()


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


# ---------------------------------------------------------------------------------- multiply-adds


@pytest.mark.rows("C06")
@pytest.mark.parametrize(
    ("name", "macs"),
    [("vgg16", 15_470_264_320), ("vgg19", 19_632_062_464), ("resnet18", 1_814_073_344), ("resnet152", 11_513_626_624)],
)  # VGG: oracles_computed.csv and the closed form 19.632 G; ResNets: the closed form of the paper's table 1 with v1.5 strides
def test_published_multiply_adds(name, macs):
    assert count_macs(on_meta(name), IMAGE) == macs


@pytest.mark.rows("C06")
def test_vgg19_by_he_and_sun():
    maps = [
        (224, [3, 64, 64]),
        (112, [64, 128, 128]),
        (56, [128, *[256] * 4]),
        (28, [256, *[512] * 4]),
        (14, [512] * 5),
    ]
    convolutions = sum(m * m * 9 * sum(a * b for a, b in zip(n, n[1:], strict=False)) for m, n in maps)
    assert count_macs(on_meta("vgg19"), IMAGE) == convolutions + 25088 * 4096 + 4096**2 + 4096 * 1000


@pytest.mark.rows("C06")
def test_mobilenet_v1_by_the_closed_form():
    widths, strides = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024], [1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1]
    layers, side, want = [nn.Conv2d(3, 32, 3, 2, 1)], 112, 112**2 * 27 * 32
    for a, b, stride in zip(widths, widths[1:], strides, strict=False):
        layers += [nn.Conv2d(a, a, 3, stride, 1, groups=a), nn.Conv2d(a, b, 1)]
        side //= stride
        want += side**2 * (9 * a + a * b)
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))
    assert count_macs(net, IMAGE) == want + 1_024_000 == 568_740_352


TORCHVISION = [
    *("alexnet", "vgg11_bn", "resnet50", "resnext50_32x4d", "googlenet", "densenet121", "mobilenet_v2"),
    *("mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5", "efficientnet_b0", "convnext_tiny"),
    *("vit_b_16", "swin_t"),
]


@pytest.mark.rows("C06")
@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_networks_agree_with_flop_counter(name):
    assert 2 * count_macs(on_meta(name), (2, *IMAGE[1:])) == flops(
        on_meta(name), torch.empty(2, *IMAGE[1:], device="meta")
    )


SMALL = {
    "grouped": (nn.Conv2d(4, 8, 3, groups=2), (2, 4, 9, 9)),
    "dilated": (nn.Conv2d(4, 8, 3, dilation=2, padding=1), (2, 4, 9, 9)),
    "depthwise": (nn.Conv2d(4, 4, 5, 2, groups=4), (1, 4, 9, 9)),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, 2, groups=2), (2, 4, 5, 5)),
    "conv1d": (nn.Conv1d(4, 8, 3), (2, 4, 9)),
    "conv3d": (nn.Conv3d(2, 3, (1, 2, 3)), (2, 2, 5, 5, 5)),
    "transposed1d": (nn.ConvTranspose1d(2, 3, 4), (2, 2, 5)),
    "linear": (nn.Linear(4, 5), (2, 3, 4)),
    "no bias": (nn.Linear(4, 5, bias=False), (2, 4)),
    "bmm": (Function(lambda x: x @ x.transpose(1, 2)), (2, 3, 4)),
    "baddbmm": (Function(lambda x: torch.baddbmm(x, x, x)), (2, 3, 3)),
    "einsum": (Function(lambda x: torch.einsum("nchw,ndhw->ncd", x, x)), (2, 3, 4, 4)),
    "attention": (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
    "scaled dot product": (Function(lambda x: F.scaled_dot_product_attention(x, x, x)), (2, 3, 5, 8)),
    "in a loop": (Function(lambda x: [x := x @ x for _ in range(3)][-1]), (3, 3)),
    "weights alone": (nn.utils.parametrizations.orthogonal(nn.Linear(4, 4)), (2, 4)),
}


@pytest.mark.rows("C06")
@pytest.mark.parametrize("name", SMALL)
def test_operations_agree_with_flop_counter(name):
    module, shape = SMALL[name]
    module.train()  # in evaluation mode torch would fuse the attention, and its counter would not see into it
    assert 2 * count_macs(module, shape) == flops(module, torch.rand(shape)) > 0


@pytest.mark.rows("C06")
def test_a_bottleneck_costs_what_the_talk_says():
    """S2, corrected: 92 M against 302 M multiply-adds, not "over 300"."""
    shape = (1, 256, 32, 32)
    narrow = nn.Sequential(nn.Conv2d(256, 64, 1), nn.Conv2d(64, 128, 3, padding=1))
    assert count_macs(narrow, shape) == 92_274_688
    assert count_macs(nn.Conv2d(256, 128, 3, padding=1), shape) == 301_989_888


# ---------------------------------------------------------------------------------- parameters and activations


@pytest.mark.rows("C07")
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 1)])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_by_the_closed_form(kernel, groups, bias):
    layer = nn.Conv2d(8, 12, kernel, groups=groups, bias=bias)
    want = math.prod(kernel) * 8 // groups * 12 + 12 * bias
    assert count_parameters(layer) == want
    assert sum(node.parameters for node in trace(layer, (1, 8, 9, 9)).nodes) == want


def caffenet() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)),
    )


@pytest.mark.rows("C07")
def test_published_parameters():
    assert count_parameters(nn.Conv2d(1, 16, 3)) == 160
    with torch.device("meta"):
        assert count_parameters(caffenet()) == 60_965_224
    assert count_parameters(on_meta("vgg16")) == 138_357_544


@pytest.mark.rows("C07")
def test_tied_weights_count_once():
    a, b = nn.Linear(4, 4), nn.Linear(4, 4)
    b.weight = a.weight
    assert count_parameters(nn.Sequential(a, b)) == 16 + 4 + 4


@pytest.mark.rows("F03")
@pytest.mark.parametrize(("name", "share"), [("caffenet", 0.9617), ("vgg16", 0.8936), ("resnet18", 0.0439)])
def test_the_share_of_the_head(name, share):
    with torch.device("meta"):
        graph = trace(caffenet() if name == "caffenet" else on_meta(name), (1, 3, 227, 227))
    assert head_share(graph) == pytest.approx(share, abs=5e-5)


@pytest.mark.rows("F03")
def test_without_a_map_there_is_no_head():
    with pytest.raises(
        ValueError, match=r"graph must be of a module with maps and parameters; got \['input', 'linear'\]"
    ):
        head_share(trace(nn.Linear(2, 2), (1, 2)))


@pytest.mark.rows("C06")
def test_an_mlp_costs_the_same_in_inference_mode():
    net = nn.Sequential(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))
    with torch.inference_mode():
        assert count_macs(net, (4, 100)) == 4 * (100 * 50 + 50 * 10) == 22_000


@pytest.mark.rows("C06")
def test_products_with_a_vector_are_left_out_as_torch_does():
    class Products(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mv(x[0]) + x[0].dot(x[1]) + torch.addmv(x[0], x, x[0]) + torch.addbmm(x, x[None], x[None])

    with FlopCounterMode(display=False) as counter:
        Products()(torch.ones(5, 5))
    assert counter.get_total_flops() == count_macs(Products(), (5, 5)) == 0


@pytest.mark.rows("M01")
def test_vgg16_gives_out_fifteen_million_numbers():
    graph = trace(on_meta("vgg16"), IMAGE)
    assert count_activations(graph, ("conv", "linear", "max_pool", "adaptive_avg_pool")) == 15_087_080


# ---------------------------------------------------------------------------------- accuracy against cost


# (top-1 %, million parameters, G multiply-adds, million activations), 224 pixels: timm_accuracy_cost.csv, from timm's results
TIMM = {
    "convnext_tiny.fb_in1k": (82.066, 28.59, 4.47, 13.44),
    "resnet50.tv_in1k": (76.156, 25.56, 4.11, 11.11),
    "resnext50_32x4d.tv_in1k": (77.632, 25.03, 4.26, 14.4),
    "wide_resnet50_2.tv_in1k": (78.486, 68.88, 11.43, 14.4),
    "efficientnet_b0.ra_in1k": (77.698, 5.29, 0.4, 6.75),
    "densenet121.tv_in1k": (74.750, 7.98, 2.87, 6.9),
    "resnet18.tv_in1k": (69.752, 11.69, 1.82, 2.48),
    "mobilenetv2_100.ra_in1k": (72.910, 3.50, 0.31, 6.68),
    "vgg16.tv_in1k": (71.594, 138.36, 15.47, 13.56),
    "vgg19.tv_in1k": (72.400, 143.67, 19.63, 14.86),
}


@pytest.mark.rows("C06", "M01")
@pytest.mark.parametrize("name", ["resnet50", "resnext50_32x4d", "densenet121", "resnet18", "vgg16", "vgg19"])
def test_timm_counts_the_same_operations_and_activations(name):
    """Its counter adds two multiply-adds for each number that a batch norm gives out."""
    _, parameters, macs, activations = TIMM[f"{name}.tv_in1k"]
    graph = trace(on_meta(name), IMAGE)
    normalized = sum(math.prod(node.shape) for node in graph.nodes if node.op == "batch_norm")
    assert count_parameters(on_meta(name)) / 1e6 == pytest.approx(parameters, abs=0.005)
    assert (count_macs(on_meta(name), IMAGE) + 2 * normalized) / 1e9 == pytest.approx(macs, abs=0.0075)
    assert count_activations(graph) / 1e6 == pytest.approx(activations, abs=0.005)


@pytest.mark.rows("M02")
@pytest.mark.parametrize(
    ("name", "density"), [("vgg16.tv_in1k", 0.517), ("resnet50.tv_in1k", 2.98), ("mobilenetv2_100.ra_in1k", 20.8)]
)
def test_published_densities(name, density):
    top1, parameters, *_ = TIMM[name]
    assert information_density(top1, parameters * 1e6) == pytest.approx(density, rel=2e-3)


@pytest.mark.rows("M02")
def test_a_density_needs_parameters():
    with pytest.raises(ValueError, match="parameters must be above 0; got 0"):
        information_density(70.0, 0)


@pytest.mark.rows("M02")
def test_pareto_depth_peels_front_after_front():
    points = [(-top1, macs) for top1, _, macs, _ in TIMM.values()]
    left, want, front = dict(enumerate(points)), {}, 0
    while left:
        front += 1
        best = [i for i, p in left.items() if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in left.values())]
        for i in best:
            want[i] = front
            del left[i]
    depth = pareto_depth(points)
    assert depth == [want[i] for i in range(len(points))]
    assert {name for name, d in zip(TIMM, depth, strict=True) if d == 1} == {
        "convnext_tiny.fb_in1k",
        "efficientnet_b0.ra_in1k",
        "mobilenetv2_100.ra_in1k",
    }


@pytest.mark.rows("P01")
def test_the_vgg_nets_are_dominated_by_resnet50():
    costs = {name: (-top1, parameters, macs) for name, (top1, parameters, macs, _) in TIMM.items()}
    assert dominates(costs["resnet50.tv_in1k"], costs["vgg16.tv_in1k"])
    front = {list(costs)[i] for i in pareto_front(list(costs.values()))}
    assert not {"vgg16.tv_in1k", "vgg19.tv_in1k"} & front
    assert "mobilenetv2_100.ra_in1k" in front


@pytest.mark.rows("P01")
@pytest.mark.parametrize("seed", range(20))
def test_the_front_of_a_random_cloud(seed):
    """Against the definition, with ties and duplicates: few values, many points."""
    generator = torch.Generator().manual_seed(seed)
    points = [tuple(p) for p in torch.randint(0, 6, (40, 2 + seed % 2), generator=generator).tolist()]
    want = [
        i for i, p in enumerate(points) if all(q == p or any(y > x for x, y in zip(p, q, strict=True)) for q in points)
    ]
    assert pareto_front(points) == want


@pytest.mark.rows("P01")
def test_points_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"points must be of one length; got \[1, 2\]"):
        pareto_front([(1, 2), (1,)])


@pytest.mark.rows("P01")
def test_the_budget_chooses_the_network():
    networks = {name: dict(zip(["top1", "params", "macs"], row, strict=False)) for name, row in TIMM.items()}
    assert best_within(networks, {}, gain="top1") == "convnext_tiny.fb_in1k"
    assert best_within(networks, {"params": 10, "macs": 3}, gain="top1") == "efficientnet_b0.ra_in1k"
    assert best_within(networks, {"params": 4}, gain="top1") == "mobilenetv2_100.ra_in1k"
    with pytest.raises(ValueError, match="budget must be met by at least one of convnext_tiny.*; got {'params': 1}"):
        best_within(networks, {"params": 1}, gain="top1")
