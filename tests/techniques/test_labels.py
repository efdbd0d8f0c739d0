import pytest
import torch

from cnnlab.techniques.labels import corrupt, noise, pair_noise, symmetric_noise

pytestmark = pytest.mark.rows("Z02")
LABELS = torch.arange(10).repeat_interleave(torch.arange(100, 300, 20))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def expected(name: str, rate: float) -> torch.Tensor:
    """The matrices of the literature, written out for ten classes."""
    if name == "symmetric":
        return torch.tensor([[1 - rate if i == j else rate / 9 for j in range(10)] for i in range(10)])
    return torch.tensor([[1 - rate if i == j else rate * (j == (i + 1) % 10) for j in range(10)] for i in range(10)])


def observed(noisy: torch.Tensor) -> torch.Tensor:
    """The share of each true class, by row, that was given each label."""
    table = torch.zeros(10, 10, dtype=torch.float64)
    table.index_put_((LABELS, noisy), torch.ones(len(LABELS), dtype=torch.float64), accumulate=True)
    return table / table.sum(1, keepdim=True)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.15, 0.5, 1.0])
@pytest.mark.parametrize("name", ["symmetric", "pair"])
def test_labels_turn_at_exactly_the_rate(name, rate):
    noisy = corrupt(LABELS, noise(name, 10, rate), generator=seeded())
    assert (observed(noisy) - expected(name, rate)).abs().max() <= 1 / 100  # one label of the smallest class
    for label in range(10):
        turned = (noisy[label == LABELS] != label).sum().item()
        assert abs(turned - rate * (label == LABELS).sum().item()) <= 0.5 + 1e-6


def test_symmetric_noise_spares_its_own_class_and_a_draw_over_all_classes_turns_fewer():
    rate = 0.3
    over_all = (1 - rate) * torch.eye(10) + rate / 10  # what some papers call a rate of .3
    turned = [(corrupt(LABELS, matrix, generator=seeded()) != LABELS).double().mean().item()
              for matrix in (symmetric_noise(10, rate), over_all)]  # fmt: skip
    assert turned == pytest.approx([rate, rate * 9 / 10], abs=0.003)


def test_pair_noise_takes_a_class_for_the_next():
    assert corrupt(torch.tensor([0, 1, 2]), pair_noise(3, 1.0)).tolist() == [1, 2, 0]


def test_a_seed_decides_which_labels_turn_and_the_given_ones_stay():
    before = LABELS.clone()
    one, same, other = (corrupt(LABELS, symmetric_noise(10, 0.2), generator=seeded(s)) for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other) and torch.equal(LABELS, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: symmetric_noise(1, 0.1), "classes must be 2 or more; got 1"),
        (lambda: pair_noise(3, 1.5), "rate must be from 0 to 1; got 1.5"),
        (lambda: noise("flip", 3, 0.5), 'noise "flip" is unknown; choose one of: pair, symmetric'),
        (lambda: corrupt(LABELS, torch.ones(2, 3)), r"transition must be of shape \(C, C\); got \(2, 3\)"),
        (lambda: corrupt(LABELS[:0], torch.eye(10)), r"labels must be of shape \(N,\), one or more; got \(0,\)"),
        (lambda: corrupt(LABELS, 2 * torch.eye(10) - 0.1), "transition must be 0 or more everywhere"),
        (lambda: corrupt(LABELS, torch.ones(10, 10)), "every row of transition must be 1 in sum"),
        (lambda: corrupt(LABELS, torch.eye(5)), "labels must be from 0 to 4; got '0 to 9'"),
    ],
)
def test_a_bad_argument_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
