"""Puts this kernel behind a widget: what the widget asks for is trained in a thread, and the newest setting wins.

from cnnlab import live
live.lab()
live.panel("activation", "lr")
"""

import math
import threading
from collections.abc import Callable, Iterator
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cnnlab.choices import choose, demand
from cnnlab.config import Config
from cnnlab.data import Dataset
from cnnlab.devices import choose_device
from cnnlab.lending import mode
from cnnlab.sweep.network import dataset_of, network
from cnnlab.sweep.reading import CannotFuse
from cnnlab.sweep.together import Member, fit_together
from cnnlab.techniques.initialization import layers
from cnnlab.techniques.preprocessing import standardize
from cnnlab.training import Epoch

FIELDS = ("depth", "width", "activation", "placement", "skip", "initialization", "dataset")
FIELDS += ("steps", "batch_size", "lr", "momentum", "nesterov", "weight_decay", "schedule")
MOST_MEMBERS = 8
PARTS, LOOKS = 10, (1, 4)  # held-out images are asked for after each part, the layers after these and the last
SHAPES = {"image_size": 16, "train_images": 1200}  # as many and as large as in the page
MEASURED, SHOWN = 64, 128  # train images on which the layers are measured, held-out ones that the page shows

Source = Callable[[list[dict]], Iterator[dict]]  # settings of the members to what the page is told, bit by bit


class Newest:
    """Goes through what it was last asked for, in a thread; `emit` is called with each answer, then with `{"done": True}`.

    `ask` and `stop` return at once, and what was asked before says nothing more.
    """

    def __init__(self, emit: Callable[[int, dict], None]):
        self._emit = emit
        self._changed = threading.Condition()
        self._run, self._answers = 0, None
        self._thread: threading.Thread | None = None

    def ask(self, run: int, answers: Iterator[dict]) -> None:
        with self._changed:
            self._run, self._answers = run, answers
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._answers = None

    def _work(self) -> None:
        # Of this thread: two were slower for nets this small, and much slower on a busy machine.
        torch.set_num_threads(1)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._answers is not None)
                run, answers = self._run, self._answers
            self._go_through(run, answers)

    def _go_through(self, run: int, answers: Iterator[dict]) -> None:
        ended = False
        while not ended:
            try:
                answer = next(answers, None) or {"done": True}
            except Exception as error:  # it is shown in the widget, and the thread goes on
                answer = {"error": _one_line(error)}
            ended = "done" in answer or "error" in answer
            with self._changed:
                if self._answers is not answers:
                    return
                self._emit(run, answer)
                if ended:
                    self._answers = None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def attach(widget, source: Source):
    """Let `source` in this kernel answer what the widget's page asks; returns the widget.

    The page sends `{"hello": n}` and is told `{"here": n, "device": ...}`; `{"run": n, "members": [...]}` is answered by
    what the source yields, with `run` in it, then `{"run": n, "done": True}` or `error`; `{"run": n}` alone stops.
    """
    newest = Newest(lambda run, answer: widget.send({"run": run, **answer}))

    def hear(_widget, message: dict, _buffers) -> None:
        run = message.get("run")
        if "hello" in message:
            widget.send({"here": message["hello"], "device": choose_device().type})
        elif "members" not in message:
            newest.stop()
        else:
            try:
                newest.ask(run, source(message["members"]))
            except Exception as error:  # here, nobody but the page would see it
                newest.stop()
                widget.send({"run": run, "error": _one_line(error)})

    widget.on_msg(hear)
    return widget


def train(settings: list[dict]) -> Iterator[dict]:
    """Up to eight members trained as one model; yields `{"points": [...]}` as the page's own trainer posts them.

    A member's settings are fields of `config.Config` in `FIELDS`, and `seed`. A point has `member`, `step` and, for the batch
    before that step, `loss`, None where it is no number, for which JSON has no word; or, after the step, `heldOut`, {loss,
    accuracy} on the valid images, and at times `layers`, `filters` and, in `heldOut`, `wrong`, of the images that come once,
    as `{"digits": [...]}`. The nets are made here and trained as the answers are asked for: no global random number is drawn
    then, which a running cell would miss.
    """
    demand(0 < len(settings) <= MOST_MEMBERS, "members", len(settings), f"1 to {MOST_MEMBERS}")
    configs, seeds = [_config(each) for each in settings], [each.get("seed", 0) for each in settings]
    data = dataset_of(configs[0])
    with torch.random.fork_rng():  # layers draw first weights as they are made
        members = [
            Member(network(config, data, seed), config.training, seed)
            for config, seed in zip(configs, seeds, strict=True)
        ]
    answers = ({"points": _points(k, epoch, members[k], data)} for k, epoch in _together(members, data))
    return chain([{"digits": _ink(data)}] if configs[0].data.dataset == "digits" else [], answers)


def _config(fields: dict) -> Config:
    for name in fields.keys() - {"seed"}:
        choose(dict.fromkeys(FIELDS), name, "setting of a member")
    config = Config().with_fields(model="workbench", **{name: fields[name] for name in fields if name != "seed"})
    if config.data.dataset == "shapes":
        config = config.with_fields(**SHAPES)
    return config.with_fields(epochs=min(PARTS, config.training.steps or PARTS))


def _together(members: list[Member], data: Dataset) -> Iterator[tuple[int, Epoch]]:
    """As one model; or each as a model of one where they differ in more than that allows, in turns.

    Not `training.fit`: it borrows the global random numbers, which in a thread would be those of a cell that is running.
    """
    try:
        yield from fit_together(members, data)
    except CannotFuse:
        going = {k: fit_together([member], data) for k, member in enumerate(members)}
        while going:
            for k, epochs in list(going.items()):
                if found := next(epochs, None):
                    yield k, found[1]
                else:
                    del going[k]


def _points(k: int, epoch: Epoch, member: Member, data: Dataset) -> list[dict]:
    first = epoch.step - len(epoch.losses) + 1
    points = [{"member": k, "step": first + i, "loss": _finite(loss)} for i, loss in enumerate(epoch.losses)]
    if epoch.diverged_at:
        return [*points, {"member": k, "step": epoch.step, "divergedAt": epoch.diverged_at}]
    seen, look = {"loss": _finite(epoch.valid_loss), "accuracy": epoch.valid_accuracy}, {}
    if epoch.epoch in LOOKS or epoch.step == member.config.steps:
        seen["wrong"] = _wrong(member.model, data)
        found, filters = _layers(member.model, data), next(layers(member.model))[1].weight[:, 0].flatten(1)
        if all(math.isfinite(layer[name]) for layer in found for name in ("signal", "gradient")):
            look = {"layers": found, "filters": filters.tolist()}
    return [*points, {"member": k, "step": epoch.step, **look, "heldOut": seen}]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ink(data: Dataset) -> list[int]:
    """The first digits that no member trains on, 64 numbers from 0 (paper) to 16 (ink) each."""
    return (data.valid.images[:SHOWN].float() * 16 / 255).round().int().flatten().tolist()


def _wrong(model: nn.Module, data: Dataset) -> list[int]:
    """Which of them the model gets wrong."""
    device = next(model.parameters()).device
    with torch.inference_mode(), mode(model, training=False):
        answers = model(standardize(data.valid.images[:SHOWN].to(device), data.mean, data.std)).argmax(dim=1)
    return (answers.cpu() != data.valid.labels[:SHOWN].cpu()).nonzero().flatten().tolist()


def _layers(model: nn.Module, data: Dataset) -> list[dict]:
    """For each convolution and linear layer, `signal` and `gradient`, mean squares: of what it gives out, of an image's
    own loss by it; and `silent`, the share of channels that the ReLU behind it leaves at 0 everywhere, None without one.
    """
    device = next(model.parameters()).device
    images = standardize(data.train.images[:MEASURED].to(device), data.mean, data.std)
    caught: list[Tensor] = []
    silent: dict[int, float] = {}

    def zeros(_module, _inputs, y: Tensor) -> None:
        silent.setdefault(len(caught), (y.transpose(0, 1).flatten(1) == 0).all(dim=1).double().mean().item())

    hooks = [layer.register_forward_hook(lambda _m, _i, z: caught.append(z)) for _, layer in layers(model)]
    hooks += [module.register_forward_hook(zeros) for module in model.modules() if isinstance(module, nn.ReLU)]
    try:
        with torch.enable_grad(), mode(model, training=False):
            loss = cross_entropy(model(images), data.train.labels[:MEASURED].to(device), reduction="sum")
            gradients = torch.autograd.grad(loss, caught)
    finally:
        for hook in hooks:
            hook.remove()
    return [
        {"signal": z.square().mean().item(), "gradient": g.square().mean().item(), "silent": silent.get(i)}
        for i, (z, g) in enumerate(zip(caught, gradients, strict=True), start=1)
    ]


def lab(**settings):
    """A `cnnlab.widgets.Lab` with this kernel behind it; `settings` are its traits. Rows T03 to T06."""
    from cnnlab.widgets import Lab

    return attach(Lab(kernel=True, **settings), train)


def panel(*fields, **settings):
    """A `cnnlab.widgets.Panel` with this kernel behind it: plain controls over the same training. Rows T03, T05, T06."""
    from cnnlab.widgets import Panel

    return attach(Panel(*fields, **settings), train)
