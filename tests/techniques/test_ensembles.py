import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import ensembles as E


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


@pytest.mark.rows("E01")
def test_stacked_members_give_what_a_loop_gives():
    torch.manual_seed(0)
    models = [
        nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 4))
        for _ in range(3)
    ]
    x = torch.randn(6, 1, 5, 5, generator=seeded())
    for model in models:
        model(x)
        model.eval()
    want = torch.stack([model(x) for model in models])
    assert (want[0] - want[1]).abs().max() > 0.01
    torch.testing.assert_close(E.member_logits(models, x), want)


@pytest.mark.rows("E01")
def test_combinations_by_hand():
    logits = torch.log(torch.tensor([[[0.6, 0.3, 0.1]], [[0.6, 0.3, 0.1]], [[0.05, 0.9, 0.05]]], dtype=torch.float64))
    assert E.mean_probabilities(logits)[0].tolist() == pytest.approx([1.25 / 3, 0.5, 0.25 / 3])
    roots = torch.tensor([0.6 * 0.6 * 0.05, 0.3 * 0.3 * 0.9, 0.1 * 0.1 * 0.05], dtype=torch.float64) ** (1 / 3)
    torch.testing.assert_close(E.mean_logits(logits)[0], roots / roots.sum())
    assert E.votes(logits)[0].tolist() == pytest.approx([2 / 3, 1 / 3, 0])


@pytest.mark.rows("E01")
@pytest.mark.parametrize("name", sorted(E.COMBINATIONS))
def test_every_combination_of_equal_members_chooses_as_they_do(name):
    logits = draw(20, 5)
    combined = E.combination(name)(logits.expand(4, 20, 5))
    torch.testing.assert_close(combined.sum(-1), torch.ones(20, dtype=torch.float64))
    assert torch.equal(combined.argmax(-1), logits.argmax(-1))


@pytest.mark.rows("E01")
def test_the_most_voted_class_is_the_mode_of_the_choices():
    logits = draw(5, 60, 4)
    hard = E.votes(logits)
    ours = hard.argmax(-1)
    theirs = stats.mode(logits.argmax(-1).numpy(), axis=0).mode  # of equal ones the smallest class, as argmax has it
    assert ours.tolist() == theirs.tolist()


@pytest.mark.rows("E01")
@pytest.mark.parametrize("seed", range(20))
def test_the_error_of_an_ensemble_is_the_mean_error_less_the_ambiguity(seed):
    y, t = draw(2 + seed % 5, 30, 3, seed=seed), draw(30, 3, seed=seed + 99)
    parts = E.ambiguity(y, t)
    assert parts.ensemble.item() == pytest.approx((parts.members - parts.ambiguity).item(), abs=1e-9)
    assert parts.ensemble.item() == pytest.approx(F.mse_loss(y.mean(0), t).item())
    assert parts.members.item() == pytest.approx(np.mean([F.mse_loss(one, t).item() for one in y]))
    assert parts.ambiguity.item() == pytest.approx(y.var(0, correction=0).mean().item())


@pytest.mark.rows("E01")
def test_three_independent_voters_of_eighty_percent_give_89_6():
    assert E.majority_accuracy(0.8, 3) == pytest.approx(0.896)
    for n, p in itertools.product((1, 5, 11), (0.3, 0.7)):
        assert E.majority_accuracy(p, n) == pytest.approx(stats.binom.sf(n // 2, n, p))
    assert (E.majority_accuracy(0.0, 5), E.majority_accuracy(1.0, 5)) == (0, 1)
    assert E.majority_accuracy(0.51, 4001) == pytest.approx(stats.binom.sf(2000, 4001, 0.51), rel=1e-9)
    assert E.majority_accuracy(0.7, 2) == pytest.approx(0.7)  # a tie is a coin
    assert E.majority_accuracy(0.5, 6) == pytest.approx(0.5)


def noisy(members=8, n=120, seed=0):
    """Probabilities of members of different quality on a problem of four classes."""
    labels = torch.arange(n) % 4
    strength = torch.linspace(0.3, 1.2, members, dtype=torch.float64)[:, None, None]
    return (strength * F.one_hot(labels, 4) + draw(members, n, 4, seed=seed)).softmax(-1), labels


def reference_selection(probabilities, labels, picks):
    """Caruana's loop in plain Python over lists of picks."""
    chosen, best = [], -math.inf
    for _ in range(picks):
        scores = []
        for m in range(len(probabilities)):
            mean = np.mean([probabilities[i].numpy() for i in [*chosen, m]], axis=0)
            scores.append((mean.argmax(1) == labels.numpy()).mean())
        if max(scores) < best:
            return chosen
        best = max(scores)
        chosen.append(int(np.argmax(scores)))
    return chosen


@pytest.mark.rows("E02")
@pytest.mark.parametrize("seed", range(6))
def test_greedy_selection_picks_as_the_reference_and_the_score_never_falls(seed):
    probabilities, labels = noisy(seed=seed)
    chosen = E.greedy_selection(probabilities, labels, picks=12)
    assert chosen == reference_selection(probabilities, labels, 12)
    scores = [E.accuracy(probabilities[chosen[:k]].mean(0), labels) for k in range(1, len(chosen) + 1)]
    assert scores == sorted(scores)
    assert scores[0] == max(E.accuracy(each, labels) for each in probabilities)


@pytest.mark.rows("E02")
def test_greedy_selection_takes_another_score():
    probabilities, labels = noisy(seed=1)

    def likelihood(mean, labels):
        return -F.nll_loss(mean.log(), labels).item()

    chosen = E.greedy_selection(probabilities, labels, picks=5, score=likelihood)
    values = [likelihood(probabilities[chosen[:k]].mean(0), labels) for k in range(1, len(chosen) + 1)]
    assert values == sorted(values) and len(set(chosen)) > 1


@pytest.mark.rows("E02")
def test_the_top_models_come_best_first_and_their_mean_beats_the_best():
    assert E.top_models(torch.tensor([0.2, 0.9, 0.5, 0.9]), 3) == [1, 3, 2]
    assert E.top_models(torch.tensor([0.2, 0.1])) == [0, 1]
    probabilities, labels = noisy(members=20, n=400)
    scores = torch.tensor([E.accuracy(each, labels) for each in probabilities])
    top = E.top_models(scores, 10)
    assert E.accuracy(probabilities[top].mean(0), labels) > scores.max() + 0.05
