"""The engine is chosen by measurement, once, and the choice says why."""

import copy
import json

import pytest
import torch
from torch import nn

from cnnlab import data
from cnnlab.config import Training
from cnnlab.data import Dataset
from cnnlab.sweep import choice
from cnnlab.sweep.choice import choose_engine, fit_members
from cnnlab.sweep.together import Member

FIXED = {"device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path))
    return tmp_path / "engines"


def net(*extra: nn.Module, width: int = 4) -> nn.Sequential:
    layers = nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten(), nn.Linear(36 * width, 10)
    return nn.Sequential(*layers, *extra)


def members(count: int = 3, *extra: nn.Module, seeds: int = 1, **settings) -> list[Member]:
    config = {"steps": 10, "epochs": 2, "batch_size": 16} | settings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [Member(net(*extra), Training(lr=0.01 * (k + 1), **config), k % seeds) for k in range(count)]


def measured(monkeypatch, fused: float, turn: float) -> list[int]:
    """Replace the measurement by these seconds; the list grows by one whenever it is asked for."""
    asked = []

    def measure(members, data, **how):
        asked.append(len(members))
        return {"fused": fused, "in turn": turn}

    monkeypatch.setattr(choice, "_measure", measure)
    return asked


@pytest.mark.parametrize(
    ("fused", "turn", "engine", "ratio"), [(0.002, 0.009, "fused", 4.5), (0.04, 0.03, "in turn", 1.3)]
)
def test_the_faster_engine_is_chosen_and_the_reason_has_both_times(fused, turn, engine, ratio, digits, monkeypatch):
    measured(monkeypatch, fused, turn)
    chosen = choose_engine(members(), digits, **FIXED)
    assert chosen.engine == engine
    assert f"{engine} is {ratio} times as fast" in chosen.why and "a step of all 3 members takes" in chosen.why
    assert f"{fused * 1e3:.3g} ms fused" in chosen.why and f"{turn * 1e3:.3g} ms in turn" in chosen.why
    assert torch.__version__ in chosen.why


def test_a_choice_is_measured_once(digits, own_cache, monkeypatch):
    asked = measured(monkeypatch, 1.0, 2.0)
    assert choose_engine(members(), digits, **FIXED) == choose_engine(members(), digits, **FIXED)
    assert asked == [3]
    [kept] = own_cache.iterdir()
    assert json.loads(kept.read_text()) == {"fused": 1.0, "in turn": 2.0}


@pytest.mark.parametrize(
    "other",
    [
        lambda: members(4),
        lambda: members(batch_size=32),
        lambda: members(momentum=0.0),
        lambda: members(seeds=3),
        lambda: members(augmentation="crop+flip"),
        lambda: members(3, nn.ReLU()),
        lambda: [member._replace(model=member.model.double()) for member in members()],
    ],
    ids=["members", "batch", "momentum", "seeds", "augmentation", "net", "dtype"],
)
def test_what_a_step_depends_on_is_measured_anew(other, digits, monkeypatch):
    asked = measured(monkeypatch, 1.0, 2.0)
    choose_engine(members(), digits, **FIXED)
    choose_engine(other(), digits, **FIXED)
    assert len(asked) == 2


def test_what_a_step_does_not_depend_on_is_not_measured_anew(digits, monkeypatch):
    asked = measured(monkeypatch, 1.0, 2.0)
    for settings in ({}, {"steps": 90}, {"epochs": 9}, {"schedule": "cosine"}):
        choose_engine(members(**settings), digits, **FIXED)
    assert len(asked) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fused": 1.0}', '{"fused": 1.0, "in turn": "x"}', "null"])
def test_a_damaged_note_is_measured_again(text, digits, own_cache, monkeypatch):
    asked = measured(monkeypatch, 1.0, 2.0)
    want = choose_engine(members(), digits, **FIXED)
    [kept] = own_cache.iterdir()
    kept.write_text(text)
    assert choose_engine(members(), digits, **FIXED) == want
    assert len(asked) == 2 and json.loads(kept.read_text())


def test_a_cache_that_cannot_be_written_costs_only_time(digits, own_cache, monkeypatch):
    own_cache.write_text("a file where the folder should be")
    asked = measured(monkeypatch, 1.0, 2.0)
    assert [choose_engine(members(), digits, **FIXED).engine for _ in range(2)] == ["fused", "fused"]
    assert len(asked) == 2


def test_a_type_that_is_not_in_the_map_is_trained_in_turn_and_named(digits, own_cache):
    chosen = choose_engine(members(3, nn.Dropout(0.5)), digits, **FIXED)
    assert chosen.engine == "in turn"
    assert chosen.why == "these members cannot be fused: Dropout is not in the map of fused layers"
    assert not own_cache.exists()
    assert (
        choose_engine(members(1), digits, **FIXED).why == "there is nothing to be fused with: the sweep has one member"
    )


def test_members_that_take_other_steps_are_trained_in_turn(digits, monkeypatch):
    measured(monkeypatch, 1.0, 2.0)
    some = members()
    some[1] = some[1]._replace(config=Training(steps=7, epochs=2, batch_size=16))
    assert (
        choose_engine(some, digits, **FIXED).why == "these members cannot be fused: the members differ in steps: 10, 7"
    )
    assert len(list(fit_members(some, digits, **FIXED))) == 6


def test_measuring_changes_neither_the_members_nor_the_callers_random_numbers(digits):
    some = members()
    before = copy.deepcopy([member.model.state_dict() for member in some])
    state = torch.get_rng_state()
    assert choose_engine(some, digits, **FIXED).engine in ("fused", "in turn")
    assert torch.equal(torch.get_rng_state(), state)
    for member, want in zip(some, before, strict=True):
        assert all(torch.equal(value, want[name]) for name, value in member.model.state_dict().items())


def test_twelve_tiny_nets_are_faster_as_one(digits):
    """A step of such a net is all dispatch: fused is several times faster, on a busy machine too."""
    assert choose_engine(members(12), digits, **FIXED).engine == "fused"


@pytest.mark.parametrize("extra", [(), (nn.Dropout(0.0),)], ids=["fused", "in turn"])
def test_by_either_engine_the_members_get_what_fit_gives(extra, digits):
    """Epochs come in turns, (member, epoch) by (member, epoch), and one that diverges comes no more."""
    found = {}
    for engine in ("in turn", None):
        some = [member._replace(model=member.model.double()) for member in members(3, *extra, seeds=2)]
        some[1] = some[1]._replace(config=Training(steps=10, epochs=2, batch_size=16, lr=1e300))
        found[engine] = list(fit_members(some, digits, engine=engine, **FIXED))
    for (k, got), (j, want) in zip(found[None], found["in turn"], strict=True):
        assert (k, got.epoch, got.diverged_at) == (j, want.epoch, want.diverged_at)
        assert got.losses == pytest.approx(want.losses, abs=1e-9, nan_ok=True)
    assert [(k, epoch.epoch) for k, epoch in found[None]] == [(0, 1), (1, 1), (2, 1), (0, 2), (2, 2)]


def test_an_engine_that_is_asked_for_is_used_or_refused(digits):
    with pytest.raises(ValueError, match='engine "vmap" is unknown; choose one of: fused, in turn'):
        fit_members(members(), digits, engine="vmap", **FIXED)
    with pytest.raises(ValueError, match="Dropout is not in the map of fused layers"):
        fit_members(members(3, nn.Dropout(0.5)), digits, engine="fused", **FIXED)
