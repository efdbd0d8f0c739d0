from collections import Counter

import pytest
import torch
from torch import nn

from cnnlab.applications.learning import accuracy, learn
from cnnlab.applications.strings import (
    ALPHABET,
    MOTIF,
    motif_strings,
    multitask_loss,
    one_hot,
    r_squared,
    squared_correlation,
    string_net,
)

pytestmark = pytest.mark.rows("U07")


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_motif_is_in_the_strings_that_say_so_and_in_no_other():
    strings = motif_strings(300)
    assert [int(MOTIF in text) for text in strings.texts] == strings.labels.tolist()
    assert 100 < strings.labels.sum() < 200 and {len(text) for text in strings.texts} == {40}


def test_letters_occur_as_often_with_the_motif_as_without():
    strings = motif_strings(3000)
    counts = [Counter("".join(t for t, y in zip(*strings, strict=True) if y == label)) for label in (0, 1)]
    shares = [[count[letter] / count.total() for letter in ALPHABET] for count in counts]
    assert shares[0] == pytest.approx(shares[1], abs=0.006)


def test_one_hot_writes_one_letter_at_each_place():
    texts = motif_strings(20).texts
    coded = one_hot(texts)
    assert torch.equal(coded.sum(1), torch.ones(20, 40))
    assert ["".join(ALPHABET[i] for i in row) for row in coded.argmax(1).tolist()] == texts


def test_a_filter_that_is_the_motif_finds_it_anywhere():
    net = string_net(len(ALPHABET), 2, width=1)
    with torch.no_grad():
        net[0].weight.copy_(one_hot([MOTIF]))
        net[0].bias.fill_(1 - len(MOTIF))
    strings = motif_strings(300)
    assert net[:-1](one_hot(strings.texts))[:, 0].tolist() == strings.labels.tolist()


def test_a_planted_motif_is_learned_and_counting_letters_does_not_do():
    torch.manual_seed(0)
    (train, labels), (test, wanted) = motif_strings(3000), motif_strings(1000, seed=1)
    net = string_net(len(ALPHABET), 2)
    learn(net, [one_hot(train)], labels, steps=600)
    assert accuracy(net, [one_hot(test)], wanted) >= 0.95
    letters = nn.Linear(len(ALPHABET), 2)
    learn(letters, [one_hot(train).sum(2)], labels, steps=300)
    assert accuracy(letters, [one_hot(test).sum(2)], wanted) < 0.6


def test_r_squared_is_scikit_learns():
    from sklearn.metrics import r2_score

    target = drawn(50)
    for predicted in (target + 0.3 * drawn(50, seed=1), drawn(50, seed=2), 5 - target):
        assert r_squared(predicted, target) == pytest.approx(r2_score(target, predicted), abs=1e-12)
    assert r_squared(target, target) == 1 and r_squared(target.mean().expand(50), target) == pytest.approx(0)


def test_mercks_is_scipys_correlation_squared_and_blind_to_scale():
    from scipy.stats import pearsonr

    target = drawn(50)
    predicted = target + 0.8 * drawn(50, seed=1)
    merck = squared_correlation(predicted, target)
    assert merck == pytest.approx(pearsonr(predicted, target).statistic ** 2, abs=1e-12)
    assert squared_correlation(7 - 3 * predicted, target) == pytest.approx(merck)
    assert r_squared(7 - 3 * predicted, target) < 0
    design = torch.stack([predicted, torch.ones(50, dtype=torch.float64)], dim=1)
    fitted = design @ torch.linalg.lstsq(design, target[:, None]).solution[:, 0]
    assert r_squared(fitted, target) == pytest.approx(merck)


def test_what_was_not_measured_gives_no_loss_and_no_gradient():
    targets, predicted = drawn(8, 3), drawn(8, 3, seed=1).requires_grad_()
    missing = drawn(8, 3, seed=2) > 0.3
    loss = multitask_loss(predicted, targets.masked_fill(missing, torch.nan))
    loss.backward()
    torch.testing.assert_close(loss, nn.functional.mse_loss(predicted[~missing], targets[~missing]))
    assert torch.equal(predicted.grad == 0, missing)


@pytest.mark.parametrize("motif", ["CXN", "CC", "CN" * 21])
def test_a_motif_that_cannot_be_planted_or_shuffled_is_refused(motif):
    with pytest.raises(
        ValueError, match=rf"motif must be two different characters of CNOF.*, 40 at most; got '{motif}'"
    ):
        motif_strings(3, motif=motif)


def test_letters_outside_of_the_alphabet_are_refused():
    with pytest.raises(ValueError, match=r"texts must be of the characters CNOF.*; got '!Z'"):
        one_hot(["CCZ", "CC!"])
