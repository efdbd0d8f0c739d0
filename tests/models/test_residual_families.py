"""What every net of the residual, dense, fractal and pixel-labelling families has to do, at a small width."""

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F

import cnnlab
from cnnlab.config import Model
from cnnlab.lending import mode
from cnnlab.models import MODELS
from cnnlab.models.densenet import cifar_densenet, densenet
from cnnlab.models.fcn import fcn
from cnnlab.models.fractalnet import fractalnet
from cnnlab.models.preactivation import ORDERS, SHORTCUTS, preactivation_resnet, shortcut_resnet
from cnnlab.models.resnet import cifar_resnet, resnet
from cnnlab.models.resnet_in_resnet import resnet_in_resnet
from cnnlab.models.resnext import cifar_resnext, resnext
from cnnlab.models.ror import elu_resnet, ror, weighted_resnet
from cnnlab.models.stagewise import fractal_of_fractalnet, stagewise_boosting_net, taylor_series_net
from cnnlab.models.stochastic_depth import stochastic_depth_resnet
from cnnlab.models.watermap import WaterMap
from cnnlab.models.wide_resnet import wide_resnet

SMALL = {
    "resnet": (lambda: cifar_resnet(3, 4, depth=8, width=8), "H04"),
    "resnet elu": (lambda: cifar_resnet(3, 4, depth=8, width=8, activation="elu", option="C"), "H04"),
    **{f"order {o}": (lambda o=o: preactivation_resnet(3, 4, depth=8, width=8, order=o), "H05") for o in ORDERS},
    **{f"shortcut {s}": (lambda s=s: shortcut_resnet(3, 4, depth=8, width=8, around=s), "H05") for s in SHORTCUTS},
    "wide": (lambda: wide_resnet(3, 4, depth=10, widen=1, dropout=0.1), "H06"),
    "resnet in resnet": (lambda: resnet_in_resnet(3, 4, depth=8, width=8), "H07"),
    "ror": (lambda: ror(3, 4, depth=8, width=8), "H07"),
    "weighted": (lambda: weighted_resnet(3, 4, depth=8, width=8), "H07"),
    "elu": (lambda: elu_resnet(3, 4, depth=8, width=8), "H07"),
    "resnext": (lambda: cifar_resnext(3, 4, depth=11, cardinality=4, base_width=2, width=8), "H08"),
    "fractal": (lambda: fractalnet(3, 4, width=8), "H11"),
    "fractal average": (lambda: fractalnet(3, 4, width=8, pool=nn.AvgPool2d), "H12"),
    "fractal of fractals": (lambda: fractal_of_fractalnet(3, 4, width=4), "H12"),
    "stagewise": (lambda: stagewise_boosting_net(3, 4, width=4), "H12"),
    "taylor": (lambda: taylor_series_net(3, 4, width=4), "H12"),
    "dense": (lambda: cifar_densenet(3, 4, depth=10, growth=6, bottleneck=False), "H15"),
    "dense bc": (lambda: cifar_densenet(3, 4, depth=16, growth=6), "H15"),
    "fcn": (lambda: fcn(3, 4, size="32", dropout=0.0), "H16"),
    "stochastic depth": (lambda: stochastic_depth_resnet(3, 4, depth=8, width=8), "H17"),
    "water map": (lambda: WaterMap(3, 4, size="32"), "H20"),
}
EACH = [pytest.param(build, id=name, marks=pytest.mark.rows(row)) for name, (build, row) in SMALL.items()]
REGISTERED = [
    *("resnet20", "resnet56", "resnet110", "resnet20_preactivation", "resnet56_preactivation", "resnet20_weighted"),
    *("resnet20_elu", "resnet_in_resnet", "ror", "stochastic_depth110", "wide_resnet16_4", "wide_resnet28_10"),
    *("resnext29", "densenet40", "densenet_bc100", "fractalnet", "fractalnet_average", "fractal_of_fractalnet"),
    *("stagewise_boosting", "taylor_series"),
]
CIFAR_NATIVE = [
    *(preactivation_resnet, shortcut_resnet, wide_resnet, resnet_in_resnet, ror, weighted_resnet, elu_resnet),
    *(fractalnet, fractal_of_fractalnet, stagewise_boosting_net, taylor_series_net, stochastic_depth_resnet),
]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Eight noisy images of four colors."""
    generator, labels = torch.Generator().manual_seed(0), torch.arange(8) % 4
    colors = torch.randn(4, 3, 1, 1, generator=generator)
    return colors[labels] + torch.randn(8, 3, 32, 32, generator=generator), labels


def loss_of(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    scores = model(images)
    return F.cross_entropy(scores, labels if scores.ndim == 2 else labels[:, None, None].expand(-1, 32, 32))


@pytest.mark.parametrize("build", EACH)
def test_training_lowers_the_loss_and_reaches_every_parameter(build):
    torch.manual_seed(0)
    model, (images, labels) = cnnlab.initialize(build(), "he"), batch()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # its noise would hide what eight images can show
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    reached, losses = set(), []
    for _ in range(20):
        optimizer.zero_grad()
        loss = loss_of(model, images, labels)
        loss.backward()
        losses.append(loss.item())
        reached |= {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert {name for name, _ in model.named_parameters()} - reached == set()
    assert sum(losses[-3:]) < 0.6 * 3 * losses[0], losses


@pytest.mark.parametrize("build", EACH)
def test_evaluation_is_deterministic_and_read_by_fx(build):
    torch.manual_seed(0)
    model, (images, _) = build().eval(), batch()
    with torch.no_grad():
        first = model(images[:2])
        assert torch.equal(model(images[:2]), first)
        torch.testing.assert_close(torch.fx.symbolic_trace(model)(images[:2]), first)


@pytest.mark.parametrize("build", EACH)
def test_lsuv_brings_every_layer_to_variance_one(build):
    torch.manual_seed(0)
    model, (images, _) = build(), batch()
    cnnlab.initialize(model, "lsuv", images)
    variances = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _module, _inputs, y: variances.append(y.var(correction=0).item()))
    with mode(model, training=False), torch.no_grad():
        model(images)
    assert variances == pytest.approx([1] * len(variances), abs=0.02)


@pytest.mark.parametrize("name", REGISTERED)
def test_a_config_builds_it_and_what_it_reads_changes_it(name):
    def built(**fields) -> list[torch.Size]:
        with torch.device("meta"):
            net = cnnlab.build(Model(name, **fields), in_channels=1, classes=7).eval()
            assert net(torch.empty(2, 1, 32, 32)).shape == (2, 7)
        return [type(module) for module in net.modules()], [p.shape for p in net.parameters()]

    reads = MODELS[name][1]
    assert ("width" in reads) == (not name.startswith(("wide", "dense")))
    for field, value in {"width": 8, "activation": "elu"}.items():
        if field in reads:
            assert built(**{field: value}) != built()


@pytest.mark.parametrize("net", CIFAR_NATIVE, ids=lambda net: net.__name__)
def test_a_net_made_for_32x32_is_one_at_both_sizes_and_refuses_others(net):
    with torch.device("meta"):
        shapes = [[p.shape for p in net(size=size).parameters()] for size in ("paper", "32")]
    assert shapes[0] == shapes[1]
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        net(size="64")


@pytest.mark.parametrize("net", [resnet, resnext, densenet, fcn, WaterMap], ids=lambda net: net.__name__)
def test_an_unknown_size_lists_the_choices(net):
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        net(size="64")
