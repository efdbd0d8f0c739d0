"""The engine against a loop written out by hand, and the promises of its docstrings."""

import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from cnnlab import data, models
from cnnlab.config import Model, Training
from cnnlab.data import Dataset, Split
from cnnlab.techniques.augmentation import AUGMENTATIONS
from cnnlab.techniques.cycles import range_of
from cnnlab.techniques.initialization import initialize
from cnnlab.techniques.losses import LOSSES
from cnnlab.training import evaluate, fit, range_test

FIXED = {"device": "cpu", "precision": "fp32"}


def split(n: int, seed: int = 0) -> Split:
    """8x8 RGB noise, brighter on the left where the label is 1: learned in a few steps."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(128, (n, 3, 8, 8), dtype=torch.uint8, generator=generator)
    labels = torch.randint(2, (n,), generator=generator)
    images[labels == 1, :, :, :4] += 100
    return Split(images, labels)


def dataset(train: int = 96, valid: int = 40) -> Dataset:
    return Dataset("noise", ("even", "left"), "made for this test", split(train), split(valid, 1), split(8, 2))


def net(*extra: nn.Module, seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), *extra, nn.Linear(4 * 36, 2)
        )


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_fit_equals_the_loop_written_out():
    """Float64, so that only the order of sums may differ: same batches, torch's own SGD and schedule."""
    data, model, twin = dataset(), net().double(), net().double()
    config = Training(epochs=2, batch_size=20, lr=0.1, weight_decay=1e-3, schedule="cosine")
    losses = [loss for epoch in fit(model, data, config, seed=3, **FIXED) for loss in epoch.losses]

    images = (data.train.images.double() / 255 - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    generator, want = torch.Generator().manual_seed(3), []
    for _ in range(2):
        for rows in torch.randperm(96, generator=generator).split(20)[:4]:
            optimizer.zero_grad()
            loss = cross_entropy(twin(images[rows]), data.train.labels[rows])
            loss.backward()
            optimizer.step()
            cosine.step()
            want.append(loss.item())

    assert losses == pytest.approx(want, abs=1e-9)
    torch.testing.assert_close(weights(model), weights(twin), atol=1e-9, rtol=0)


@pytest.mark.rows("T04")
@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_another_loss_and_plain_momentum_equal_the_loop_written_out(momentum):
    """Whole batches, so that order does not matter; the valid loss is the cross-entropy all the same."""
    data, model, twin = dataset(), net().double(), net().double()
    config = Training(epochs=6, batch_size=96, lr=0.1, momentum=momentum, nesterov=False, loss="label_smoothing")
    epochs = list(fit(model, data, replace(config, schedule="constant"), **FIXED))

    images = (data.train.images.double() / 255 - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=momentum)
    for epoch in epochs:
        optimizer.zero_grad()
        loss = cross_entropy(twin(images), data.train.labels, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        assert epoch.train_loss == pytest.approx(loss.item(), abs=1e-9)
    valid_loss, _ = evaluate(twin, data.valid, mean=data.mean, std=data.std)
    assert epochs[-1].valid_loss == pytest.approx(valid_loss, abs=1e-9)


@pytest.mark.rows("T04", "F04")
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains(name):
    epochs = list(fit(net(), dataset(), Training(epochs=5, batch_size=16, loss=name), **FIXED))
    assert epochs[-1].valid_accuracy == 1.0


def test_fit_learns_what_can_be_learned():
    epochs = list(fit(net(), dataset(), Training(epochs=5, batch_size=16, lr=0.05), **FIXED))
    assert epochs[-1].valid_accuracy == 1.0
    assert epochs[-1].train_loss < 0.2 * epochs[0].losses[0]


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_same_seed_gives_the_same_numbers_twice_and_another_seed_does_not(augmentation):
    config = Training(epochs=2, batch_size=32, augmentation=augmentation)
    first, second, other = (
        [epoch.losses for epoch in fit(net(nn.Dropout()), dataset(), config, seed=seed, **FIXED)] for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_the_callers_random_numbers_neither_change_nor_matter():
    """Not after a run, not between its epochs, and drawing some between epochs changes nothing."""
    config = Training(epochs=3, batch_size=32)
    quiet = [epoch.losses for epoch in fit(net(nn.Dropout()), dataset(), config, **FIXED)]
    torch.manual_seed(99)
    want = [torch.rand(()).item() for _ in range(3)]
    torch.manual_seed(99)
    drawn, losses = [], []
    for epoch in fit(net(nn.Dropout()), dataset(), config, **FIXED):
        losses.append(epoch.losses)
        drawn.append(torch.rand(()).item())
    assert drawn == want
    assert losses == quiet


def test_dropout_goes_on_drawing_where_the_last_epoch_ended():
    """An epoch is a report, not a restart: the same steps in one part or three give the same losses."""
    config = Training(steps=12, batch_size=32)
    whole, parts = (
        [
            loss
            for epoch in fit(net(nn.Dropout()), dataset(), replace(config, epochs=epochs), **FIXED)
            for loss in epoch.losses
        ]
        for epochs in (1, 3)
    )
    assert whole == parts


def test_steps_are_reported_in_equal_parts():
    epochs = list(fit(net(), dataset(), Training(steps=10, epochs=4, batch_size=40, schedule="linear"), **FIXED))
    assert [epoch.step for epoch in epochs] == [2, 5, 7, 10]
    assert [epoch.lr for epoch in epochs] == pytest.approx([0.05 * (1 - k / 10) for k in (1, 4, 6, 9)])


def test_fewer_steps_than_epochs_leave_no_part_without_a_step():
    epochs = list(fit(net(), dataset(), Training(steps=2, epochs=3, batch_size=40), **FIXED))
    assert [(epoch.epoch, epoch.step, len(epoch.losses)) for epoch in epochs] == [(1, 1, 1), (2, 2, 1)]


def test_images_left_over_wait_for_the_next_walk():
    seen = []
    model = net()
    model.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])) if module.training else None)
    epochs = list(fit(model, dataset(train=96), Training(epochs=2, batch_size=40), **FIXED))
    assert seen == [40] * 4
    assert [epoch.step for epoch in epochs] == [2, 4]


def test_a_batch_larger_than_the_set_is_the_whole_set():
    small, exact = (list(fit(net(), dataset(train=30), Training(batch_size=n), **FIXED)) for n in (64, 30))
    assert [epoch.losses for epoch in small] == [epoch.losses for epoch in exact]
    assert [epoch.train_accuracy for epoch in small] == [epoch.train_accuracy for epoch in exact]
    assert [epoch.step for epoch in small] == [1, 2, 3]


def test_train_columns_are_the_means_over_the_steps():
    class Recorder(nn.Module):
        """Gives fixed logits, so that hits can be counted by hand."""

        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.tensor([0.0, 1.0]))

        def forward(self, x):
            return self.bias.expand(len(x), 2)

    data = dataset(train=64)
    [epoch] = fit(Recorder(), data, Training(epochs=1, batch_size=16, lr=1e-9), **FIXED)
    ones = data.train.labels.float().mean().item()
    assert epoch.train_accuracy == pytest.approx(ones)
    assert epoch.train_loss == pytest.approx(math.log(1 + math.e) - ones, abs=1e-6)
    assert sum(epoch.losses) / 4 == pytest.approx(epoch.train_loss)


def test_seconds_and_images_per_second_agree():
    [epoch] = fit(net(), dataset(), Training(epochs=1, batch_size=32), **FIXED)
    assert epoch.images_per_second * epoch.seconds == pytest.approx(96)


class Counter(TorchDispatchMode):
    """How often a number was read from a tensor, as `.item()` and `if tensor:` do."""

    reads = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.reads += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_step_never_waits_for_a_number(precision):
    """30 steps read as many numbers as 5: those of the beginning and the end."""
    reads = []
    for steps in (5, 30):
        with Counter() as counter:
            list(
                fit(net(), dataset(), Training(epochs=1, steps=steps, batch_size=16), device="cpu", precision=precision)
            )
        reads.append(counter.reads)
    assert reads[0] == reads[1]


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_close_to_fp32(precision):
    config = Training(epochs=3, batch_size=32)
    full, half = (
        [epoch.train_loss for epoch in fit(net(), dataset(), config, device="cpu", precision=name)]
        for name in ("fp32", precision)
    )
    assert half != full
    assert half == pytest.approx(full, rel=0.1, abs=0.02)


class Poisoned(nn.Module):
    """A net whose logits are NaN from one training step on."""

    def __init__(self, step: int):
        super().__init__()
        self.net, self.left = net(), step

    def forward(self, x):
        self.left -= self.training
        return self.net(x) + (math.nan if self.left <= 0 else 0.0)


@pytest.mark.parametrize("step", [1, 3, 50, 51, 77])
def test_a_loss_that_turns_nan_ends_the_run_and_names_the_step(step):
    epochs = list(fit(Poisoned(step), dataset(), Training(epochs=4, steps=240, batch_size=16), **FIXED))
    last = epochs[-1]
    assert [epoch.diverged_at for epoch in epochs] == [None] * (len(epochs) - 1) + [step]
    assert last.step == step == sum(len(epoch.losses) for epoch in epochs)
    assert math.isnan(last.losses[-1]) and all(math.isfinite(loss) for loss in last.losses[:-1])
    assert last.lr == pytest.approx(0.05 * (1 - (step - 1) / 240))
    assert math.isnan(last.train_loss) and math.isnan(last.valid_loss) and math.isnan(last.valid_accuracy)


def test_a_long_epoch_does_not_run_on_after_a_nan():
    model = Poisoned(3)
    list(fit(model, dataset(), Training(epochs=1, steps=1000, batch_size=16), **FIXED))
    assert model.left == 3 - 50


def test_a_far_too_large_rate_diverges_instead_of_raising():
    *_, last = fit(net(), dataset(), Training(epochs=20, batch_size=16, lr=1e30, schedule="constant"), **FIXED)
    assert last.diverged_at == last.step
    assert last.lr == 1e30


def test_weights_that_the_last_step_made_infinite_count_as_diverged():
    [epoch] = fit(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), dataset(), Training(steps=1, lr=3e38), **FIXED)
    assert math.isfinite(epoch.losses[0])
    assert epoch.diverged_at == 1


def test_a_large_but_finite_loss_is_not_divergence():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    nn.init.constant_(model[1].bias, 0)
    nn.init.normal_(model[1].weight, std=1e4)
    epochs = list(fit(model, dataset(), Training(epochs=2, lr=1e-6), **FIXED))
    assert epochs[0].losses[0] > 1e3
    assert [epoch.diverged_at for epoch in epochs] == [None, None]


def test_modes_are_the_callers_between_epochs_and_after_the_run():
    model = net(nn.Dropout()).train()
    model[1].eval()  # frozen by its owner
    modes = [module.training for module in model.modules()]
    for _ in fit(model, dataset(), Training(epochs=2), **FIXED):
        assert [module.training for module in model.modules()] == modes
    assert [module.training for module in model.modules()] == modes


def test_a_caller_that_stops_keeps_a_usable_model():
    model = net().eval()
    for epoch in fit(model, dataset(), Training(epochs=50), **FIXED):
        if epoch.epoch == 2:
            break
    loss, accuracy = evaluate(model, dataset().valid, mean=dataset().mean, std=dataset().std)
    assert (loss, accuracy) == (epoch.valid_loss, epoch.valid_accuracy)


INTERRUPTED = """
import signal, time, torch
from torch import nn
from cnnlab.config import Training
from test_training import FIXED, dataset, evaluate, fit, net

signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background inherits a deaf ear

class Slow(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x):
        if self.training and len(done) == 2:
            print("inside a step of epoch 3", flush=True)
            time.sleep(60)
        return self.net(x)

done, data, state = [], dataset(), torch.get_rng_state()
model = Slow().eval()
try:
    for epoch in fit(model, data, Training(epochs=9), **FIXED):
        done.append(epoch)
except KeyboardInterrupt:
    measured = evaluate(model, data.valid, mean=data.mean, std=data.std)
    print(len(done), model.training, torch.equal(torch.get_rng_state(), state))
    print(measured == (done[-1].valid_loss, done[-1].valid_accuracy))
"""


def test_ctrl_c_inside_a_step_leaves_the_epochs_done_and_the_model_usable():
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout.readline() == "inside a step of epoch 3\n"
        child.send_signal(signal.SIGINT)
        assert child.stdout.read() == "2 False True\nTrue\n"
    assert child.returncode == 0


def test_evaluate_equals_the_sum_over_single_images():
    data, model = dataset(), net().double()
    loss, accuracy = evaluate(model, data.valid, mean=data.mean, std=data.std, batch_size=7)
    model.eval()
    images = (data.valid.images.double() / 255 - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
    with torch.no_grad():
        logits = torch.cat([model(image[None]) for image in images])
    assert loss == pytest.approx(cross_entropy(logits, data.valid.labels).item(), abs=1e-7)
    assert accuracy == (logits.argmax(1) == data.valid.labels).double().mean().item()


def test_evaluate_changes_neither_weights_nor_statistics_nor_modes():
    data, model = dataset(), net(nn.Dropout())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, data.valid, mean=data.mean, std=data.std)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())


def test_without_valid_images_the_valid_columns_are_nan():
    [epoch] = fit(net(), dataset(valid=0), Training(epochs=1), **FIXED)
    assert math.isnan(epoch.valid_loss) and math.isnan(epoch.valid_accuracy)
    assert epoch.diverged_at is None


def test_evaluate_refuses_a_split_without_images():
    data = dataset(valid=0)
    with pytest.raises(
        ValueError, match=r"at least one, as bytes .*got torch.uint8 images of shape \(0, 3, 8, 8\) and 0"
    ):
        evaluate(net(), data.valid, mean=data.mean, std=data.std)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_first_losses_of_the_cpu_and_the_same_twice():
    config = Training(epochs=2, batch_size=32, augmentation="crop+flip")
    cpu, once, twice = (
        [loss for epoch in fit(net(), dataset(), config, device=device, precision="fp32") for loss in epoch.losses]
        for device in ("cpu", "cuda", "cuda")
    )
    assert once == twice
    assert once[:3] == pytest.approx(cpu[:3], rel=1e-3)


@pytest.mark.rows("T03")
def test_a_range_test_finds_rates_that_learn_and_leaves_the_model_alone():
    digits = data.load("digits")
    torch.manual_seed(0)
    model = models.build(Model(depth=3, width=4), in_channels=1, classes=10)
    initialize(model, "he", generator=torch.Generator().manual_seed(0))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rates, accuracies = range_test(model, digits, Training(steps=200, batch_size=32), highest=2.0, seed=0, device="cpu")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert rates == pytest.approx([2.0 * (10 * k - 1) / 200 for k in range(1, len(rates) + 1)])
    low, high = range_of(rates, accuracies)
    assert 0 < low < high < 2
    *_, good = fit(model, digits, Training(steps=100, batch_size=32, lr=low, epochs=1), device="cpu")
    assert good.valid_accuracy > 0.8
