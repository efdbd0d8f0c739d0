import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab import load
from cnnlab.probes import (
    branch_ratios,
    buffers_kept,
    dead_fraction,
    gradient_error,
    growth_per_layer,
    initial_loss,
    log_softmax,
    mixes_images,
    monitor,
    outputs,
    overfit,
    reachable_accuracy,
    recall,
    sanity,
    saturation,
    signal,
    updates,
)
from cnnlab.techniques.joins import Residual
from cnnlab.techniques.preprocessing import standardize


def linear_chain(gain: float, depth: int = 20, n: int = 64) -> nn.Sequential:
    model = nn.Sequential(*(nn.Linear(n, n, bias=False) for _ in range(depth)))
    for layer in model:
        nn.init.orthogonal_(layer.weight, gain)
    return model.double()


@pytest.mark.rows("I08")
@pytest.mark.parametrize("gain", [0.8, 1.0, 1.2])
def test_the_planted_gain_is_found_within_one_percent(gain):
    x = torch.randn(64, 64, dtype=torch.float64)
    columns = signal(linear_chain(gain), x, torch.arange(64))
    assert math.sqrt(growth_per_layer(columns["variance"])) == pytest.approx(gain, rel=0.01)
    backward = columns["gradient"][::-1]
    assert math.sqrt(growth_per_layer(backward)) == pytest.approx(gain, rel=0.01)


@pytest.mark.rows("I08", "G04")
def test_signal_measures_what_autograd_gives():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    x, y = torch.randn(8, 1, 4, 4), torch.arange(8) % 3
    columns = signal(model, x, y)
    assert columns["layer"] == ["0", "3"]
    z = model[0](x)
    z.retain_grad()
    F.cross_entropy(model[3](model[2](model[1](z))), y).backward()
    assert columns["variance"][0] == pytest.approx(z.var(correction=0).item())
    assert columns["gradient"][0] == pytest.approx(z.grad.square().mean().item())
    assert columns["weight_gradient"][1] == pytest.approx(model[3].weight.grad.square().mean().item())


def test_an_in_place_activation_does_not_change_what_is_measured():
    torch.manual_seed(0)
    weights = nn.Conv2d(1, 4, 3), nn.Linear(16, 3)
    x, y = torch.randn(8, 1, 4, 4), torch.arange(8) % 3
    inside, outside = (
        signal(nn.Sequential(weights[0], nn.ReLU(inplace=inplace), nn.Flatten(), weights[1]), x, y)
        for inplace in (True, False)
    )
    assert inside["variance"] == outside["variance"] and inside["gradient"] == outside["gradient"]


def test_measuring_leaves_no_gradient_and_no_hook():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    with torch.no_grad():
        signal(model, torch.randn(3, 4), torch.tensor([0, 1, 0]))
    assert all(p.grad is None for p in model.parameters())
    with pytest.raises(RuntimeError), outputs(model):
        model(torch.randn(3, 5))
    assert not any(m._forward_hooks for m in model.modules())


def test_a_growth_needs_two_layers_that_are_not_dead():
    assert growth_per_layer([0.0, 1.0, 0.5, 0.25, 0.0]) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="at least two layers with a positive finite value"):
        growth_per_layer([1.0, 0.0, math.inf])


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(24, 5), nn.Dropout(0.5)
    )


def state_of(model: nn.Module) -> list:
    return [v.clone() for v in model.state_dict().values()] + [m.training for m in model.modules()]


def same(one: list, other: list) -> bool:
    return all(torch.equal(a, b) if torch.is_tensor(a) else a == b for a, b in zip(one, other, strict=True))


@pytest.mark.rows("G04", "P08", "N04", "G06")
def test_no_probe_leaves_a_trace():
    model, x, y = small_net(), torch.randn(10, 1, 4, 4), torch.arange(10) % 5
    model.get_submodule("1").eval()
    before, drawn = state_of(model), torch.random.get_rng_state()
    overfit(model, x, y, steps=3)
    monitor(model, x, y, lr=0.1)
    model.get_submodule("1").train()
    signal(model, x, y)
    monitor(model, x, y, lr=0.1)
    with outputs(model) as caught:
        loss = model(x).square().sum()
    torch.autograd.grad(loss, list(caught.values()))
    assert torch.equal(torch.random.get_rng_state(), drawn)
    with buffers_kept(model):
        model.train()(x)
        model.get_submodule("1").eval()
    for probe in (branch_ratios, dead_fraction, saturation, mixes_images):
        probe(model, [x] if probe is dead_fraction else x)
    initial_loss(model, x, y)
    sanity(model, x, y, classes=5)
    assert same(state_of(model), before)
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.rows("G04")
def test_the_update_ratio_is_that_of_the_step_of_any_optimizer():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x, y = torch.randn(8, 3).double(), torch.arange(8) % 2
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    columns = monitor(model, x, y, lr=0.3)
    F.cross_entropy(model(x), y).backward()
    wanted = [(0.3 * m.weight.grad.norm() / m.weight.norm()).item() for m in (model[0], model[2])]
    with updates(model) as ratios:
        optimizer.step()
    assert list(ratios) == ["0", "2"] and list(ratios.values()) == pytest.approx(wanted, abs=1e-10)
    assert columns["update_ratio"] == pytest.approx(wanted, abs=1e-10)
    with pytest.raises(ValueError, match="lr must be above 0; got 0"):
        monitor(model, x, y, lr=0)


@pytest.mark.rows("A03", "G04")
def test_planted_dead_units_are_counted_exactly():
    model = nn.Sequential(nn.Conv2d(1, 10, 3), nn.ReLU(), nn.Flatten(), nn.Linear(40, 5))
    x, y = torch.randn(32, 1, 4, 4), torch.arange(32) % 5
    nn.init.constant_(model[0].bias, 5.0)
    with torch.no_grad():
        model[0].bias[[1, 4, 7]] = -100
    assert monitor(model, x, y, lr=0.1)["dead"][0] == pytest.approx(0.3)
    assert dead_fraction(model, [x[:16], x[16:]]) == {"1": pytest.approx(0.3)}


@pytest.mark.rows("A03", "G04")
def test_dead_units_are_those_of_the_relu_that_follows():
    layers = (
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16, 6),
        nn.Tanh(),
        nn.Linear(6, 5),
    )
    model = nn.Sequential(*layers)
    nn.init.constant_(model[1].bias, -20.0)
    x, y = torch.randn(32, 1, 4, 4), torch.arange(32) % 5
    assert monitor(model, x, y, lr=0.1)["dead"] == pytest.approx([1.0, math.nan, math.nan], nan_ok=True)


@pytest.mark.rows("G04")
def test_monitor_bears_zero_and_frozen_layers():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    for parameter in model[2].parameters():
        nn.init.zeros_(parameter)
    columns = monitor(model, torch.randn(8, 4), torch.arange(8) % 2, lr=0.1)
    assert columns["update_ratio"] == pytest.approx([math.nan, math.nan, 0.0], nan_ok=True)
    assert columns["dead"] == pytest.approx([columns["dead"][0], 1.0, math.nan], nan_ok=True)
    model.requires_grad_(False)
    assert all(map(math.isnan, monitor(model, torch.randn(8, 4), torch.arange(8) % 2, lr=0.1)["weight_gradient"]))


@pytest.mark.rows("G04")
def test_saturation_is_the_share_near_the_ends():
    model = nn.Sequential(nn.Tanh(), nn.Sigmoid())
    x = torch.tensor([[-9.0, -2.0, -1.0, 0.0, 1.0, 1.4, 2.0, 9.0]])
    # tanh ends are within 0.1 of -1 and 1, |x| > 1.4722; sigmoid of those lies in 0.26..0.74
    assert saturation(model, x) == {"0": 0.5, "1": 0.0}
    with pytest.raises(ValueError, match="within must be above 0 and below 0.5; got 0.5"):
        saturation(model, x, within=0.5)


@pytest.mark.rows("P08")
def test_the_branch_ratio_is_that_of_known_tensors():
    quarter, minus_three, seven, none = (Reads(lambda x, k=k: k * x) for k in (0.25, -3.0, 7.0, 0.0))
    model = nn.Sequential(Residual(quarter), Residual(minus_three, seven), Residual(none))
    ratios = branch_ratios(model, torch.randn(4, 3, 5, 5))
    assert list(ratios.values()) == pytest.approx([0.25, 3.0, 0.0], abs=1e-6)


def batch_of_digits() -> tuple[torch.Tensor, torch.Tensor]:
    data = load("digits")
    part = data.train.take(torch.arange(60))
    return standardize(part.images, data.mean, data.std, torch.float32), part.labels


def sound(outputs: int = 10) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, outputs))


class Reads(nn.Module):
    """A layer that is only a function, to plant a bug with."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def loud() -> nn.Sequential:
    model = sound()
    with torch.no_grad():
        model[3].weight *= 100
    return model


BUGS = {
    "8 outputs for 10 classes": (lambda: sound(8), {"outputs", "recall"}),
    "softmax before the loss": (lambda: sound().append(nn.Softmax(dim=1)), {"one batch"}),
    "loud last layer": (loud, {"initial loss"}),
    "images mixed by a softmax over the batch": (lambda: sound().append(nn.Softmax(dim=0)), {"mixing"}),
    "inputs thrown away": (lambda: nn.Sequential(Reads(torch.zeros_like), sound()), {"one batch", "recall"}),
    "graph cut before the head": (lambda: sound().insert(2, Reads(lambda x: 0 * x.detach())), {"one batch"}),
}


@pytest.mark.rows("N04", "G06")
@pytest.mark.parametrize("bug", BUGS)
def test_sanity_catches_the_planted_bug(bug):
    build, wanted = BUGS[bug]
    images, labels = batch_of_digits()
    assert wanted <= sanity(build(), images, labels, classes=10).keys()


@pytest.mark.rows("N04", "G06")
def test_a_sound_model_is_sane():
    assert sanity(sound(), *batch_of_digits(), classes=10) == {}


@pytest.mark.rows("N04")
def test_too_few_outputs_reach_the_share_of_the_classes_they_have():
    images, labels = batch_of_digits()
    loss, logits = overfit(sound(8), images, labels)
    missing = sum(int(label) >= 8 for label in labels) / len(labels)
    assert reachable_accuracy(labels, outputs=8) == pytest.approx(1 - missing)
    shares = recall(logits, labels, classes=10)
    assert shares[8:].tolist() == [0, 0] and (logits.argmax(1) == labels).double().mean() <= 1 - missing
    assert reachable_accuracy(torch.arange(28), outputs=26) == pytest.approx(26 / 28)


@pytest.mark.rows("N04")
def test_recall_is_that_of_scikit_learn():
    from sklearn.metrics import recall_score

    logits, labels = torch.randn(200, 6), torch.randint(6, (200,))
    wanted = recall_score(labels, logits.argmax(1), average=None, labels=range(6))
    assert recall(logits, labels, classes=6).tolist() == pytest.approx(wanted.tolist())
    assert recall(logits, labels, classes=7)[6].isnan()
    with pytest.raises(ValueError, match="classes must be above the largest label, 5; got 3"):
        recall(logits, labels, classes=3)


@pytest.mark.rows("G06")
def test_a_net_that_knows_nothing_starts_at_ln_c():
    model, (images, labels) = sound(), batch_of_digits()
    nn.init.zeros_(model[3].weight)
    nn.init.zeros_(model[3].bias)
    assert initial_loss(model, images, labels) == pytest.approx(2.302585, abs=1e-6)


@pytest.mark.rows("G06")
def test_gradient_error_tells_a_wrong_backward_from_a_right_one():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0].cos() * 1.001

    x = torch.randn(3, 4, dtype=torch.float64)
    assert gradient_error(lambda x: x.sin(), x) < 1e-7 and torch.autograd.gradcheck(torch.sin, x.requires_grad_())
    assert gradient_error(Wrong.apply, x) == pytest.approx(1e-3, rel=0.01)
    with pytest.raises(ValueError, match="x must be float64"):
        gradient_error(torch.sin, x.float())


@pytest.mark.rows("G06")
def test_log_softmax_bears_logits_of_ten_thousand():
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1.0, 2.0, 3.0]])
    torch.testing.assert_close(log_softmax(logits), torch.log_softmax(logits, 1))
    assert torch.autograd.gradcheck(log_softmax, torch.randn(3, 4, dtype=torch.float64, requires_grad=True))


def test_overfit_takes_a_step_at_least():
    with pytest.raises(ValueError, match="steps must be 1 or more; got 0"):
        overfit(sound(), *batch_of_digits(), steps=0)


@pytest.mark.rows("N04")
def test_batch_statistics_in_training_mode_are_no_mixing():
    assert not mixes_images(small_net(), torch.randn(4, 1, 4, 4))
    assert mixes_images(nn.Sequential(Reads(lambda x: x - x.mean(dim=0))), torch.randn(4, 3))


@pytest.mark.rows("N04")
def test_a_sum_over_the_images_so_far_is_mixing_from_either_end():
    assert mixes_images(Reads(lambda x: x.cumsum(dim=0)), torch.randn(4, 3))
    assert mixes_images(Reads(lambda x: x.flip(0).cumsum(dim=0).flip(0)), torch.randn(4, 3))


@pytest.mark.rows("N04", "G06")
def test_one_image_under_two_labels_cannot_be_learned():
    assert "one batch" in sanity(sound(2), torch.ones(4, 64), torch.tensor([0, 1, 0, 1]), classes=2)


@pytest.mark.rows("N04", "G06")
@pytest.mark.parametrize(("bias", "label"), [(6.9, 1), (2.05, 0)], ids=["three times", "a third"])
def test_an_initial_loss_of_three_guesses_or_a_third_is_told(bias, label):
    model, (images, labels) = sound(), batch_of_digits()
    nn.init.zeros_(model[3].weight)
    nn.init.zeros_(model[3].bias).data[0] = bias
    assert "initial loss" in sanity(model, images, torch.full_like(labels, label), classes=10)


@pytest.mark.rows("G06")
def test_the_initial_loss_is_measured_without_dropout():
    images, labels = batch_of_digits()
    assert initial_loss(sound().append(nn.Dropout(0.9)), images, labels) == initial_loss(sound(), images, labels)


@pytest.mark.rows("G06", "N04")
def test_a_frozen_model_is_overfitted_too():
    assert overfit(sound().requires_grad_(False), *batch_of_digits())[0] < 0.1
