"""Training as a generator of epochs: the caller's loop body is the progress bar, the early stop and the live plot.

    for epoch in fit(model, data, Training(epochs=3)):
        print(epoch.epoch, epoch.valid_accuracy)

What makes it fast: the images stay on the device as bytes, a batch is one gather, convolutions run in channels_last,
and no step waits for a number; losses are copied from the device once an epoch.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import fmean

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from cnnlab.config import Training
from cnnlab.data import Dataset, Split
from cnnlab.devices import PRECISIONS, choose_device, choose_precision, keep_memory
from cnnlab.lending import fresh_randomness, lent, mode
from cnnlab.preconditions import check_images, check_outputs, check_settings, check_weights
from cnnlab.techniques.augmentation import Pixels, draw, lay_out, take
from cnnlab.techniques.losses import loss
from cnnlab.techniques.preprocessing import standardize
from cnnlab.techniques.schedules import schedule

BASELINE = Training()
WATCH = 50  # steps between two looks for a loss that is not finite
AHEAD = 2**17  # values of a batch's images below which several batches are made at once


@dataclass(frozen=True)
class Epoch:
    """What one part of a run gave: losses are means over images, accuracies fractions of 1.

    `train_loss` and `train_accuracy` are means over the part's steps, taken while the weights move; the valid ones come
    after it, NaN where there are no valid images. Train losses are of the `loss` of the settings, `valid_loss` is the
    cross-entropy in nats whatever that is. `step` counts all steps so far, `lr` is that of the last, `losses` has
    each. `seconds` and `images_per_second` leave validation out.

    `diverged_at` is None, or the first step (from 1) whose loss was not finite, or after which a weight was not: then
    this epoch is the last, ends with that step, and is not validated. A loss that is large but finite is no divergence.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    lr: float
    seconds: float
    images_per_second: float
    losses: tuple[float, ...]
    diverged_at: int | None = None


def fit(
    model: nn.Module,
    data: Dataset,
    config: Training = BASELINE,
    *,
    seed: int = 0,
    device: str | torch.device | None = None,
    precision: str | None = None,
) -> Iterator[Epoch]:
    """Train `model` on `data.train` by SGD with momentum; a generator of one `Epoch` at a time.

    `config.steps` steps if given, in `epochs` parts as equal as can be (no part without a step), else `epochs` walks
    through the shuffled images. Every batch is full: the images a walk leaves over wait for the next one, shuffled
    anew, and a `batch_size` larger than the set means the whole set.

    The model, any `nn.Module` from standardized images (N, C, H, W) to logits (N, classes), is moved to the device and
    trained in place; between epochs, and after an interruption, its modules are in the modes they came in.

    Same seed, same device, same precision: the same numbers. Order and augmentation come from a generator of this run,
    alike on every device; what modules draw (dropout) from the global one, lent for an epoch and handed back as it was.

    Settings, labels and shapes that do not fit raise a `ValueError` at once, before the first epoch is asked for.
    """
    device = choose_device(device)
    keep_memory()
    check_settings(config)
    check_images(data.train)
    precision = choose_precision(device, min(data.train.images.shape[-2:]), precision)
    check_weights(model)
    model.to(device, memory_format=torch.channels_last)
    data = data if data.train.images.device == device else data.to(device)  # the same one keeps its mean and std
    check_outputs(model, data)
    pixels = lay_out(data.train.images, config.augmentation)
    return _epochs(model, data, pixels, config, seed, precision)


def range_test(
    model: nn.Module, data: Dataset, config: Training = BASELINE, *, highest: float = 1.0, points: int = 20, **how
) -> tuple[list[float], list[float]]:
    """Learning rates, rising in equal steps up to `highest`, and the valid accuracy reached at each (row T03).

    A copy of `model` is trained for the steps of `config`, validated `points` times; it ends early where it diverges.
    `techniques.cycles.range_of` reads the two limits off. `how` is what `fit` takes. Source: {cite:t}`smith2017cyclical`.
    """
    settings = replace(
        config, schedule="rising", lr=highest, epochs=points, steps=config.steps or _length(data, config)
    )
    epochs = [epoch for epoch in fit(copy.deepcopy(model), data, settings, **how) if epoch.diverged_at is None]
    return [epoch.lr for epoch in epochs], [epoch.valid_accuracy for epoch in epochs]


def _length(data: Dataset, config: Training) -> int:
    """The steps of all epochs."""
    return config.epochs * (len(data.train.labels) // min(config.batch_size, len(data.train.labels)))


def _epochs(
    model: nn.Module, data: Dataset, pixels: Pixels, config: Training, seed: int, precision: str
) -> Iterator[Epoch]:
    size = min(config.batch_size, len(data.train.labels))
    dtype = next(model.parameters()).dtype
    stream = batches(data, pixels, size, dtype=dtype, generator=Generator().manual_seed(seed))
    step = _stepper(model, config, precision)
    randomness = fresh_randomness(seed, pixels.table.device)
    done = 0
    for number, rates in enumerate(plan(config, len(data.train.labels) // size), start=1):
        started = time.perf_counter()
        with lent(randomness), mode(model, training=True):
            losses, hits = _steps(step, stream, rates)
        seconds, made = time.perf_counter() - started, len(losses)
        bad = diverged(losses, model)
        losses, hits = losses[:bad], hits[:bad]
        done += len(losses)
        unmeasured = bad or not len(data.valid.labels)
        valid = (math.nan, math.nan) if unmeasured else evaluate(model, data.valid, mean=data.mean, std=data.std)
        yield Epoch(
            epoch=number,
            step=done,
            train_loss=fmean(losses),
            train_accuracy=fmean(hits) / size,
            valid_loss=valid[0],
            valid_accuracy=valid[1],
            lr=rates[len(losses) - 1],
            seconds=seconds,
            images_per_second=made * size / seconds,
            losses=tuple(losses),
            diverged_at=done if bad else None,
        )
        if bad:
            return


def plan(config: Training, walk: int) -> list[list[float]]:
    """The learning rate of every step, epoch by epoch; a walk through the images is `walk` steps."""
    rate = schedule(config.schedule)
    steps = config.steps or config.epochs * walk
    epochs = min(config.epochs, steps)
    rates = [config.lr * rate(step / steps) for step in range(steps)]
    return [rates[steps * i // epochs : steps * (i + 1) // epochs] for i in range(epochs)]


def batches(data: Dataset, pixels: Pixels, size: int, *, dtype: torch.dtype, generator: Generator) -> Iterator[tuple]:
    """Standardized images and labels without end: each walk through the set in a new order, drawn on the CPU."""
    device, count = pixels.table.device, len(data.train.labels)
    ahead = max(1, AHEAD // (size * data.train.images[0].numel()))  # small batches are made many at a time
    while True:
        order = torch.randperm(count, generator=generator)
        drawn = [each.to(device) for each in draw(pixels, order, generator)]
        labels = data.train.labels[order.to(device)]
        for first in range(0, count - size + 1, size * ahead):
            part = slice(first, min(first + size * ahead, count // size * size))
            images = take(pixels, *(each[part] for each in drawn))
            images = standardize(images, data.mean, data.std, dtype)
            for few, theirs in zip(images.split(size), labels[part].split(size), strict=True):
                yield few.detach(), theirs  # for a model that overwrites its input, not a part of the others' batches


def _stepper(model: nn.Module, config: Training, precision: str) -> Callable[[Tensor, Tensor, float], tuple]:
    """One step of the optimizer as a function of images, labels and learning rate: (loss, hits), left on the device."""
    kind = next(model.parameters()).device.type
    scaler = torch.amp.GradScaler(kind, enabled=precision == "fp16")
    # Cross-entropy is torch's own: to the last bit what records were measured with.
    objective = cross_entropy if config.loss == "cross_entropy" else loss(config.loss)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=config.lr,
        momentum=config.momentum,
        nesterov=config.nesterov and config.momentum > 0,
        weight_decay=config.weight_decay,
        # The fused kernel reads the scaler's verdict on the device; the foreach one would wait for it at every step.
        **{"fused" if scaler.is_enabled() else "foreach": True},
    )

    def step(images: Tensor, labels: Tensor, lr: float) -> tuple[Tensor, Tensor]:
        for group in optimizer.param_groups:
            group["lr"] = lr
        with torch.autocast(kind, PRECISIONS[precision], enabled=precision != "fp32"):
            logits = model(images)
        loss = objective(logits.to(images.dtype), labels)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss.detach(), (logits.detach().argmax(dim=1) == labels).sum()

    return step


def _steps(step: Callable, batches: Iterator[tuple], rates: list[float]) -> tuple[list[float], list[int]]:
    """Losses and hits of a step for each rate, fewer where a loss is seen not to be finite; one copy at the end."""
    losses, hits = [], []
    for lr in rates:
        loss, hit = step(*next(batches), lr)
        losses.append(loss)
        hits.append(hit)
        if len(losses) % WATCH == 0 and not torch.stack(losses[-WATCH:]).isfinite().all():
            break
    return torch.stack(losses).tolist(), torch.stack(hits).tolist()


def diverged(losses: list[float], model: nn.Module) -> int | None:
    """Which of these steps (from 1) first had a loss that is not finite; the last, if a weight is not; else None."""
    bad = next((step for step, loss in enumerate(losses, start=1) if not math.isfinite(loss)), None)
    if bad is None and not all(weight.isfinite().all() for weight in model.parameters()):
        return len(losses)
    return bad


def evaluate(
    model: nn.Module, split: Split, *, mean: Tensor, std: Tensor, batch_size: int = 1024, device=None
) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy (a fraction of 1) of `model` on `split`, in evaluation mode.

    In the model's own precision, where the model is, or on `device`, to which it is moved. Every module is afterwards
    in the mode it was in. A split without images raises a `ValueError`.
    """
    check_images(split)
    model = model if device is None else model.to(choose_device(device))
    weight = next(model.parameters())
    loss = hits = torch.zeros((), device=weight.device)
    # Moved before it: a weight moved in inference mode could not be trained any more.
    with torch.inference_mode(), mode(model, training=False):
        for images, labels in zip(split.images.split(batch_size), split.labels.split(batch_size), strict=True):
            labels = labels.to(weight.device)
            logits = model(standardize(images.to(weight.device), mean, std, weight.dtype))
            loss = loss + cross_entropy(logits, labels, reduction="sum")
            hits = hits + (logits.argmax(dim=1) == labels).sum()
    return loss.item() / len(split.labels), hits.item() / len(split.labels)
