import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_class_weight
from torch.utils.data import WeightedRandomSampler

from cnnlab.techniques import imbalance as B

COUNTS = torch.tensor([500, 120, 37, 10])
LABELS = torch.arange(4).repeat_interleave(COUNTS)[torch.randperm(667, generator=torch.Generator().manual_seed(0))]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.rows("Z03")
def test_inverse_frequency_is_scikit_learns():
    theirs = compute_class_weight("balanced", classes=np.arange(4), y=LABELS.numpy())
    torch.testing.assert_close(B.inverse_frequency(LABELS), torch.from_numpy(theirs).float())
    assert B.inverse_frequency(LABELS)[LABELS].mean().item() == pytest.approx(1)


@pytest.mark.rows("Z03")
def test_class_balanced_weights_go_from_equal_to_inverse():
    assert B.class_balanced(LABELS, beta=0.0).tolist() == [1, 1, 1, 1]
    almost = B.class_balanced(LABELS, beta=1 - 1e-9)
    torch.testing.assert_close(almost, 1 / COUNTS.float(), atol=0, rtol=1e-5)
    torch.testing.assert_close(B.class_balanced(LABELS, beta=0.99)[3].item(), 0.01 / (1 - 0.99**10), rtol=1e-6, atol=0)


@pytest.mark.rows("Z03")
def test_oversampling_makes_every_class_as_large_as_the_largest_and_shows_each_image_as_often():
    rows = B.oversample(LABELS, generator=seeded())
    assert LABELS[rows].bincount().tolist() == [500] * 4
    assert (LABELS[rows[:-1]] != LABELS[rows[1:]]).double().mean() > 0.7  # in random order: 3/4 of neighbors differ
    shown = rows.bincount(minlength=len(LABELS))
    for label, count in enumerate(COUNTS.tolist()):
        assert set(shown[label == LABELS].tolist()) <= {500 // count, -(-500 // count)}


@pytest.mark.rows("Z03")
def test_torchs_sampler_evens_out_with_our_weights_on_average():
    weights = B.inverse_frequency(LABELS)[LABELS]
    drawn = LABELS[list(WeightedRandomSampler(weights.tolist(), 20_000, generator=seeded()))].bincount()
    assert stats.chisquare(drawn).pvalue > 0.01


@pytest.mark.rows("Z03")
def test_undersampling_keeps_as_many_of_each_class_as_the_smallest_has():
    rows = B.undersample(LABELS, generator=seeded())
    assert LABELS[rows].bincount().tolist() == [10] * 4
    assert len(set(rows.tolist())) == 40
    assert (LABELS[rows[:-1]] != LABELS[rows[1:]]).double().mean() > 0.5  # in random order: 3/4 of neighbors differ


@pytest.mark.rows("Z03")
def test_another_seed_keeps_other_images():
    one, other = (set(B.undersample(LABELS, generator=seeded(s)).tolist()) for s in (0, 1))
    assert len(one & other) < 25  # the ten of the rarest class are in both


@pytest.mark.rows("Z03")
def test_balanced_accuracy_is_scikit_learns():
    predicted = torch.where(torch.rand(667, generator=seeded()) < 0.3, 0, LABELS)
    ours, theirs = B.balanced_accuracy(predicted, LABELS), balanced_accuracy_score(LABELS, predicted)
    assert ours == pytest.approx(theirs)
    assert B.balanced_accuracy(torch.zeros(667, dtype=torch.long), LABELS) == 0.25


@pytest.mark.rows("Z04")
def test_the_two_phases_share_the_images_by_the_size_of_their_class():
    first, second = B.two_phases(LABELS, common=0.2)
    assert set(LABELS[first].tolist()) == {0, 1} and set(LABELS[second].tolist()) == {2, 3}
    assert sorted(torch.cat([first, second]).tolist()) == list(range(667))


@pytest.mark.rows("Z04")
def test_the_second_phase_raises_the_recall_of_rare_classes():
    torch.manual_seed(0)
    centers = torch.randn(4, 5, generator=seeded(1))
    x = centers[LABELS] + 0.8 * torch.randn(667, 5, generator=seeded(2))
    model = torch.nn.Linear(5, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    recalls = []
    for rows in B.two_phases(LABELS, common=0.2):
        for _ in range(100):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), LABELS[rows]).backward()
            optimizer.step()
        found = model(x).argmax(1) == LABELS
        recalls.append([found[label == LABELS].double().mean().item() for label in (2, 3)])
    assert all(after > before for before, after in zip(*recalls, strict=True))


@pytest.mark.rows("Z05")
def test_crops_even_out_the_classes_to_within_one_crop_of_each_image():
    crops = B.crops_per_class(LABELS)
    assert crops.tolist() == [1, 5, 14, 50]
    assert ((crops * COUNTS - 500 >= 0) & (crops * COUNTS - 500 < COUNTS)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: B.counts(torch.tensor([0, 2])), r"every class must be there at least once; got \[1, 0, 1\]"),
        (lambda: B.class_balanced(LABELS, beta=1.0), "beta must be at least 0 and below 1; got 1.0"),
        (lambda: B.two_phases(LABELS, common=0), "common must be above 0 and at most 1; got 0"),
        (lambda: B.balanced_accuracy(LABELS[:3], LABELS), r"predicted must be of shape \(667,\); got \(3,\)"),
        (
            lambda: B.class_weights("none", LABELS),
            'class weights "none" is unknown; choose one of: class_balanced, inv',
        ),
    ],
)
def test_a_bad_argument_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
