"""Members trained as one model against each of them trained alone."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab import data, models
from cnnlab.config import Model, Training
from cnnlab.data import Dataset
from cnnlab.models.layers import Mean
from cnnlab.sweep.fusion import fuse
from cnnlab.sweep.reading import CannotFuse
from cnnlab.sweep.together import Member, fit_together
from cnnlab.techniques.activations import Elementwise, activation
from cnnlab.techniques.initialization import initialize
from cnnlab.techniques.joins import Parallel, Residual, concatenated, largest, mean
from cnnlab.training import Epoch, fit

FIXED = {"device": "cpu", "precision": "fp32"}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
HUNDRED = Training(steps=100, epochs=4, batch_size=32)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


def seeded(build, seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().to(dtype)


def normed(act: str = "relu", width: int = 6) -> nn.Sequential:
    """Two convolutions with batch normalization and a linear layer on the flattened map, for 8x8 digits."""
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), activation(act), nn.MaxPool2d(2)),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), activation(act)),
        *(nn.Flatten(), nn.Linear(2 * width * 16, 12), activation(act), nn.Linear(12, 10)),
    )


class Tutorial(nn.Module):
    """Layers by name and functions between them, as tutorials write it; a skip and two branches side by side."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4)
        self.left, self.right = nn.Conv2d(4, 3, 3, padding=1), nn.Conv2d(4, 5, 1)
        self.head = nn.Linear(8 * 16, 10)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        x = x + torch.tanh(x)
        x = torch.cat([self.left(x), F.relu(self.right(x))], dim=1)
        x = F.max_pool2d(x, 2)
        return self.head(x.reshape(x.size(0), -1))


def residual(act: str = "relu") -> nn.Sequential:
    """A residual sum with a projection, a sum, a mean, a maximum and a concatenation of branches."""

    def branch(channels: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(6, channels, 3, padding=1), nn.BatchNorm2d(channels), activation(act))

    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6)),
        Residual(branch(6)),
        Parallel([branch(6), nn.Conv2d(6, 6, 1)]),
        Parallel([branch(6), nn.Identity()], mean),
        Parallel([branch(6), branch(6)], largest),
        Parallel([branch(4), nn.AvgPool2d(3, 1, 1), branch(2)], concatenated),
        Residual(nn.Conv2d(12, 8, 3, 2, 1), nn.Conv2d(12, 8, 1, 2)),
        Mean(),
        nn.Linear(8, 10),
    )


def plain(act: str) -> nn.Module:
    return models.build(Model(depth=3, width=4, activation=act), in_channels=1, classes=10)


def alone(members: list[Member], dataset: Dataset) -> list[list[Epoch]]:
    """Each member trained by `fit`, in a copy."""
    return [
        list(fit(copy.deepcopy(member.model), dataset, member.config, seed=member.seed, **FIXED)) for member in members
    ]


def together(members: list[Member], dataset: Dataset) -> list[list[Epoch]]:
    found: list[list[Epoch]] = [[] for _ in members]
    for member, epoch in fit_together(members, dataset, **FIXED):
        found[member].append(epoch)
    return found


def losses(epochs: list[Epoch]) -> list[float]:
    return [loss for epoch in epochs for loss in epoch.losses]


def check_same(members: list[Member], dataset: Dataset, tolerance: float = 1e-9) -> None:
    """Every column of every member, but for the seconds."""
    for want, got in zip(alone(members, dataset), together(members, dataset), strict=True):
        assert losses(got) == pytest.approx(losses(want), abs=tolerance, nan_ok=True)
        for name in ("epoch", "step", "train_accuracy", "valid_accuracy", "lr", "diverged_at"):
            assert [getattr(e, name) for e in got] == pytest.approx([getattr(e, name) for e in want], nan_ok=True), name
        for name in ("train_loss", "valid_loss"):
            wanted = pytest.approx([getattr(e, name) for e in want], abs=tolerance, nan_ok=True)
            assert [getattr(e, name) for e in got] == wanted, name


@pytest.mark.parametrize(
    ("build", "rates"), [(normed, 8), (Tutorial, 5), (residual, 4)], ids=["normed", "tutorial", "residual"]
)
def test_each_learning_rate_gives_the_losses_of_the_net_trained_alone(build, rates, digits):
    """Float64, batch normalization and momentum, 100 steps; at these rates the losses stay finite."""
    check_same([Member(seeded(build), Training(**vars(HUNDRED) | {"lr": lr})) for lr in RATES[:rates]], digits)


@pytest.mark.parametrize("build", [normed, residual], ids=["normed", "residual"])
def test_in_float32_the_first_ten_losses_agree(build, digits):
    config = vars(HUNDRED) | {"steps": 10, "epochs": 1}
    members = [Member(seeded(build, dtype=torch.float32), Training(**config | {"lr": lr})) for lr in RATES[:-2]]
    for want, got in zip(alone(members, digits), together(members, digits), strict=True):
        assert losses(got) == pytest.approx(losses(want), abs=1e-5)


def test_members_keep_their_own_settings_seeds_and_first_weights(digits):
    """Seed, momentum (none, plain and Nesterov's), weight decay, schedule and augmentation, each set against each."""
    settings = [
        {},
        {"momentum": 0.0},
        {"momentum": 0.5, "weight_decay": 1e-2},
        {"weight_decay": 1e-3, "schedule": "cosine"},
        {"augmentation": "crop+flip"},
        {"augmentation": "flip", "schedule": "constant", "lr": 0.1},
        {"augmentation": "rotate", "nesterov": False},
        {"augmentation": "scale", "nesterov": False, "momentum": 0.0, "weight_decay": 1e-2},
    ]
    configs = [Training(**vars(HUNDRED) | each) for each in settings]
    check_same([Member(seeded(normed, seed), config, seed % 4) for seed, config in enumerate(configs)], digits)


def test_one_seed_and_own_weights(digits):
    rules = ("he", "xavier", "orthogonal", "zeros")
    drawn = [initialize(seeded(normed), rule, generator=torch.Generator().manual_seed(1)) for rule in rules]
    check_same([Member(model, HUNDRED, 5) for model in drawn], digits)


def test_members_with_different_activations_train_as_one(digits):
    """Maxout has twice the filters, PReLU and APL have weights of their own; in no order that would suit."""
    names = ("relu", "maxout", "tanh", "relu", "prelu", "maxout", "apl", "frelu", "elu")
    check_same([Member(seeded(lambda name=name: plain(name), 3), HUNDRED, 1) for name in names], digits)


def test_different_activations_in_branches_and_with_normalization(digits):
    names = ("relu", "tanh", "selu", "relu")
    check_same(
        [Member(seeded(lambda name=name: residual(name), k), HUNDRED, k) for k, name in enumerate(names)], digits
    )


@pytest.mark.parametrize("name", ["nin_like", "maxout"])
def test_networks_with_an_own_first_layer_each_see_the_same_images(name, digits):
    """A first layer of different widths on shared images; a net that begins with a pool."""
    builds = {
        "nin_like": [lambda: nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 10))] * 3,
        "maxout": [lambda: plain("maxout"), lambda: plain("relu"), lambda: plain("relu")],
    }[name]
    check_same([Member(seeded(build, k), HUNDRED) for k, build in enumerate(builds)], digits)


def test_settings_that_a_layer_does_not_show_and_layers_in_place_keep_apart(digits):
    """Pools that count the border or not, of one name; an activation used twice, in place in some of the members."""

    def build(act: nn.Module, border: bool) -> nn.Sequential:
        pool = nn.AvgPool2d(3, 2, 1, count_include_pad=border)
        first, second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        return nn.Sequential(first, act, pool, second, act, nn.Flatten(), nn.Linear(96, 10))

    acts = (nn.ReLU(inplace=True), nn.Tanh(), nn.ELU(inplace=True), nn.ReLU())
    builds = [lambda act=act, border=k > 1: build(act, border) for k, act in enumerate(acts)]
    check_same([Member(seeded(each, k), HUNDRED) for k, each in enumerate(builds)], digits)


def test_a_residual_net_that_pads_its_shortcuts_with_channels_trains_as_one(digits):
    nets = [seeded(lambda: models.build(Model("resnet20", width=2), in_channels=1, classes=10), k) for k in range(2)]
    check_same([Member(net, Training(steps=8, epochs=1, batch_size=16)) for net in nets], digits)


def state(model: nn.Module) -> torch.Tensor:
    return torch.cat([value.double().flatten() for value in model.state_dict().values()])


def test_a_member_comes_back_with_its_weights_and_running_statistics(digits):
    """Every tensor of the state, the count of batches too; float64, so only the order of sums may differ."""
    members = [Member(seeded(normed, k), Training(**vars(HUNDRED) | {"lr": 0.02 * (k + 1)}), k) for k in range(3)]
    twins = copy.deepcopy([member.model for member in members])
    list(fit_together(members, digits, **FIXED))
    for member, twin in zip(members, twins, strict=True):
        list(fit(twin, digits, member.config, seed=member.seed, **FIXED))
        assert member.model[1].num_batches_tracked == 100
        torch.testing.assert_close(state(member.model), state(twin), atol=1e-9, rtol=0)


def test_unfuse_gives_back_what_was_fused():
    nets = [seeded(residual, k) for k in range(3)]
    before = [state(net) for net in nets]
    fused = fuse(nets, torch.randn(2, 1, 8, 8).double())
    for net in nets:
        for value in net.state_dict().values():
            value.zero_()
    fused.unfuse()
    assert all(torch.equal(state(net), want) for net, want in zip(nets, before, strict=True))


def at_rates(rates: tuple[float, ...], dtype: torch.dtype = torch.float64) -> list[Member]:
    """Plain nets, each with weights of its own, on the same images."""
    configs = [Training(**vars(HUNDRED) | {"schedule": "constant", "lr": lr}) for lr in rates]
    nets = [seeded(lambda: plain("relu"), k, dtype) for k in range(len(rates))]
    return [Member(net, config, 2) for net, config in zip(nets, configs, strict=True)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_a_member_that_diverges_changes_no_bit_of_the_others(dtype, digits):
    good, bad = at_rates((0.01, 0.1, 0.1, 0.1), dtype), at_rates((0.01, 1e30, 0.1, 0.1), dtype)
    nn.init.constant_(bad[3].model.head.weight, math.inf)
    good, bad = together(good, digits), together(bad, digits)
    assert bad[1][-1].diverged_at in (2, 3) and bad[3][-1].diverged_at == 1
    for k in (0, 2):
        assert losses(bad[k]) == losses(good[k]) and len(losses(bad[k])) == 100
        assert [e.valid_loss for e in bad[k]] == [e.valid_loss for e in good[k]]


def test_the_others_are_what_they_would_be_without_the_one_that_diverges(digits):
    members = at_rates((0.01, 1e30, 0.1))
    without = [member._replace(model=copy.deepcopy(member.model)) for member in (members[0], members[2])]
    found = together(members, digits)
    for got, want in zip((found[0], found[2]), together(without, digits), strict=True):
        assert losses(got) == pytest.approx(losses(want), abs=1e-12)


def test_divergence_is_told_as_fit_tells_it(digits):
    """At the step, in the last epoch of the member, and for all members at once as well."""
    for rates in ((1e30, 1e12, 0.1), (1e30,)):
        members = at_rates(rates)
        for want, got in zip(alone(members, digits), together(members, digits), strict=True):
            assert [(e.diverged_at, len(e.losses), e.step) for e in got] == [
                (e.diverged_at, len(e.losses), e.step) for e in want
            ]
            assert math.isnan(got[-1].valid_loss) == (got[-1].diverged_at is not None)


def test_a_share_of_the_time_is_each_members(digits):
    members = [Member(seeded(normed, k), Training(epochs=1, batch_size=32)) for k in range(4)]
    found = [epoch for _, epoch in fit_together(members, digits, **FIXED)]
    assert len({epoch.seconds for epoch in found}) == 1
    assert found[0].images_per_second * found[0].seconds == pytest.approx(found[0].step * 32)


def test_the_callers_random_numbers_and_modes_are_left_alone(digits):
    members = [Member(seeded(normed, k).eval(), Training(steps=4, epochs=2)) for k in range(2)]
    torch.manual_seed(99)
    want = torch.rand(())
    torch.manual_seed(99)
    for _ in fit_together(members, digits, **FIXED):
        assert not any(module.training for member in members for module in member.model.modules())
    assert torch.rand(()) == want


def below_the_largest(logits: torch.Tensor) -> torch.Tensor:
    return logits - logits.amax(1, True)


class Scaled(nn.Module):
    """A net with one thing in it that does not go with others."""

    def __init__(self, what):
        super().__init__()
        self.net, self.what, self.scale = normed(width=2), what, nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.what(self, self.net(x))


def with_hook() -> nn.Module:
    model = normed()
    model[3].register_forward_hook(lambda *_: None)
    return model


def tied() -> nn.Module:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10))
    model[2].weight = model[1].weight
    return model


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (lambda: nn.Sequential(*normed(), nn.Dropout(0.1)), "Dropout is not in the map of fused layers"),
        (lambda: plain("rrelu"), "RReLU is not in the map of fused layers"),
        (lambda: Scaled(lambda net, y: y.softmax(1)), r"softmax\(1,\) is not in the map of functions"),
        (lambda: Scaled(lambda net, y: y - y.mean(1, True)), r"mean\(1, True\) is not in the map of functions"),
        (lambda: Scaled(lambda net, y: y * net.scale), '"scale" is a tensor that belongs to no layer'),
        (lambda: Scaled(lambda net, y: y if net.training else 2 * y), "computes in evaluation mode what it does not"),
        (lambda: Scaled(lambda net, y: y * torch.rand(()).item()), "draws random numbers in its forward pass"),
        (lambda: Scaled(lambda net, y: y if y.sum() > 0 else -y), "cannot be read before it runs"),
        (with_hook, '"3" has a hook'),
        (tied, "has a weight that two of its layers share"),
        (
            lambda: nn.Sequential(*normed(), Elementwise(below_the_largest)),
            "something in them mixes channels",
        ),
        (
            lambda: nn.Sequential(nn.Unflatten(1, (1, 1)), nn.Flatten(), nn.Linear(64, 10)),
            "Unflatten is not in the map",
        ),
    ],
    ids=[
        "dropout",
        "rrelu",
        "softmax",
        "mean",
        "scale",
        "mode",
        "random",
        "branch",
        "hook",
        "tied",
        "mixed",
        "unflatten",
    ],
)
def test_what_cannot_be_fused_is_named(build, why, digits):
    with pytest.raises(CannotFuse, match=why):
        fit_together([Member(seeded(build, k), HUNDRED) for k in range(2)], digits, **FIXED)


@pytest.mark.parametrize("name", ["batch_size", "steps", "epochs"])
def test_members_that_step_differently_are_refused(name, digits):
    configs = [Training(**vars(HUNDRED) | {name: value}) for value in (10, 20)]
    with pytest.raises(CannotFuse, match=f"the members differ in {name}: 10, 20"):
        fit_together([Member(seeded(normed), config) for config in configs], digits, **FIXED)


def test_members_with_another_loss_are_refused(digits):
    configs = [HUNDRED, replace(HUNDRED, loss="soft_bootstrapping")]
    with pytest.raises(CannotFuse, match="only cross_entropy is computed member by member, not soft_bootstrapping"):
        fit_together([Member(seeded(normed), config) for config in configs], digits, **FIXED)


def test_nets_of_different_depth_or_precision_are_refused(digits):
    deeper = nn.Sequential(*normed()[:-1], nn.Linear(12, 12), nn.Linear(12, 10)).double()
    with pytest.raises(CannotFuse, match="the members are not built alike"):
        fit_together([Member(seeded(normed), HUNDRED), Member(deeper, HUNDRED)], digits, **FIXED)
    with pytest.raises(CannotFuse, match=r"of different kinds: torch.float32, torch.float64"):
        fit_together([Member(normed(), HUNDRED), Member(normed().double(), HUNDRED)], digits, **FIXED)
    with pytest.raises(CannotFuse, match="fp16 scales the loss"):
        fit_together([Member(normed(), HUNDRED), Member(normed(), HUNDRED)], digits, device="cpu", precision="fp16")


def test_a_mistake_is_told_as_fit_tells_it(digits):
    with pytest.raises(ValueError, match="lr must be above 0 and finite; got -1"):
        fit_together([Member(normed(), Training(lr=-1))], digits, **FIXED)
    with pytest.raises(ValueError, match="needs at least one member"):
        fit_together([], digits, **FIXED)
    model = normed()
    with pytest.raises(ValueError, match="each member needs a model of its own"):
        fit_together([Member(model, HUNDRED), Member(model, HUNDRED)], digits, **FIXED)


def test_zeros_cannot_hide_a_layer_that_mixes_members():
    """The functions are judged by what they do, so a net whose logits are all zero is judged as well."""
    nets = [initialize(Scaled(lambda net, y: y.amax(1, True) + y), "zeros") for _ in range(2)]
    with pytest.raises(CannotFuse, match=r"amax\(1, True\) is not in the map"):
        fuse(nets, torch.zeros(2, 1, 8, 8))
