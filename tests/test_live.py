"""A kernel behind a widget: the newest setting wins, and a member's numbers are those of the package."""

import threading
import time

import pytest
import torch

from cnnlab import live
from cnnlab.config import Config
from cnnlab.sweep.network import dataset_of, network
from cnnlab.training import fit

SMALL = {"dataset": "digits", "depth": 3, "width": 4, "steps": 40, "batch_size": 32, "lr": 0.05}


class Widget:
    """What `attach` needs of a widget: messages in, messages out."""

    def __init__(self):
        self.sent, self.changed = [], threading.Condition()

    def on_msg(self, hear):
        self.hear = lambda message: hear(self, message, [])

    def send(self, message: dict):
        with self.changed:
            self.sent.append(message)
            self.changed.notify_all()

    def wait(self, wanted, seconds: float = 60) -> list[dict]:
        with self.changed:
            assert self.changed.wait_for(lambda: any(map(wanted, self.sent)), seconds), self.sent[-1:]
            return list(self.sent)


def emitted(settings: list[dict]) -> list[dict]:
    return [point for answer in live.train(settings) for point in answer.get("points", ())]


def losses(points: list[dict], member: int) -> list[float]:
    return [point["loss"] for point in points if point["member"] == member and "loss" in point]


def fitted(settings: dict) -> list[float]:
    fields = {name: value for name, value in settings.items() if name != "seed"}
    config, seed = Config().with_fields(model="workbench", epochs=20, **fields), settings.get("seed", 0)
    data = dataset_of(config)
    model = network(config, data, seed)
    return [loss for epoch in fit(model, data, config.training, seed=seed, device="cpu") for loss in epoch.losses]


@pytest.mark.parametrize(
    "changes",
    [[{"lr": 0.01}, {"lr": 0.1, "seed": 3}], [{"activation": "elu"}, {"depth": 6, "skip": 1, "placement": "before"}]],
    ids=["as one model", "each alone"],
)
def test_members_learn_as_fit_teaches_them(changes):
    members = [{**SMALL, **change} for change in changes]
    points = emitted(members)
    for k, member in enumerate(members):
        assert losses(points, k)[:10] == pytest.approx(fitted(member)[:10], abs=1e-5)
        assert [point["step"] for point in points if point["member"] == k and "loss" in point] == list(range(1, 41))


def test_a_look_has_the_layers_and_images_not_trained_on():
    looks = [point for point in emitted([{**SMALL, "depth": 4}]) if "layers" in point]
    assert [look["step"] for look in looks] == [4, 16, 40] and looks[-1]["heldOut"]["wrong"]
    assert looks[-1]["heldOut"]["accuracy"] > 0.3 and len(looks[-1]["layers"]) == 5
    assert all(layer["signal"] > 0 and layer["gradient"] > 0 for layer in looks[-1]["layers"])
    assert [layer["silent"] is None for layer in looks[-1]["layers"]] == [False, False, False, False, True]


def test_a_silent_channel_is_counted():
    (first,) = [
        point["layers"] for point in emitted([{**SMALL, "initialization": "zeros", "steps": 1}]) if "layers" in point
    ]
    assert [layer["silent"] for layer in first] == [1.0, 1.0, 1.0, None]


def test_no_global_random_number_is_drawn_in_the_thread(monkeypatch):
    before = torch.get_rng_state()
    answers = live.train([SMALL, {**SMALL, "depth": 5}])
    for name in ("set_rng_state", "manual_seed", "fork_rng"):
        monkeypatch.setattr(torch.random, name, lambda *_, **__: pytest.fail("a cell that runs would notice"))
        monkeypatch.setattr(torch, name, getattr(torch.random, name), raising=False)
    assert len(list(answers)) == 21 and torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "members must be 1 to 8; got 0"),
        ([SMALL] * 9, "members must be 1 to 8; got 9"),
        (
            [{**SMALL, "model": "resnet"}],
            'setting of a member "model" is unknown; choose one of: activation, batch_size',
        ),
        ([{**SMALL, "activation": "elux"}], 'activation "elux" is unknown'),
    ],
)
def test_settings_that_cannot_be_trained_are_told(members, message):
    widget = live.attach(Widget(), live.train)
    with pytest.raises(ValueError, match=message):
        live.train(members)
    widget.hear({"run": 4, "members": members})
    (said,) = widget.wait(lambda each: "error" in each)
    assert said["run"] == 4 and said["error"]


def test_a_page_that_asks_is_told_that_a_kernel_is_here():
    widget = live.attach(Widget(), live.train)
    widget.hear({"hello": 7})
    assert widget.sent == [{"here": 7, "device": live.choose_device().type}]


def test_the_newest_setting_wins_and_nothing_queues_up():
    begun, go = [], threading.Event()

    def source(settings):
        begun.append(settings[0]["n"])
        while not go.is_set():
            time.sleep(0.001)
            yield {"points": []}
        yield {"points": settings}

    widget = live.attach(Widget(), source)
    widget.hear({"run": 0, "members": [{"n": 0}]})
    widget.wait(lambda each: each["run"] == 0)
    for run in range(1, 50):
        widget.hear({"run": run, "members": [{"n": run}]})
    widget.wait(lambda each: each["run"] == 49)
    go.set()
    sent = widget.wait(lambda each: each.get("done"))
    assert sent[-2:] == [{"run": 49, "points": [{"n": 49}]}, {"run": 49, "done": True}]
    runs = [each["run"] for each in sent]
    assert runs == sorted(runs) and len(begun) < 50  # most were never begun


def test_a_run_that_is_stopped_says_nothing_more():
    widget = live.attach(Widget(), live.train)
    widget.hear({"run": 1, "members": [{**SMALL, "steps": 5_000}]})
    widget.wait(lambda each: each.get("points"))
    widget.hear({"run": 1})
    time.sleep(0.05)
    count = len(widget.sent)
    widget.hear({"run": 2, "members": [SMALL]})
    sent = widget.wait(lambda each: each.get("done"))
    assert {each["run"] for each in sent[count:]} == {2}
