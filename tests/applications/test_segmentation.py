import pytest
import torch

from cnnlab.applications.segmentation import (
    CLASSES,
    confusion_matrix,
    intersection_over_union,
    labeled_shapes,
    mean_iou,
)
from cnnlab.data.shapes import generate

pytestmark = pytest.mark.rows("U02")


def maps(seed: int, classes: int = 5, high: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(high or classes, (3, 17, 11), generator=generator) for _ in range(2))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_matrix_and_scores_are_scikit_learns(seed):
    from sklearn.metrics import confusion_matrix as theirs
    from sklearn.metrics import jaccard_score

    predicted, target = maps(seed)
    confusion = confusion_matrix(predicted, target, classes=5)
    assert confusion.tolist() == theirs(target.flatten(), predicted.flatten()).tolist()
    want = torch.tensor(jaccard_score(target.flatten(), predicted.flatten(), average=None))
    torch.testing.assert_close(intersection_over_union(confusion), want, rtol=0, atol=1e-9)
    assert mean_iou(confusion) == pytest.approx(want.mean().item(), abs=1e-9)


def test_a_class_in_neither_map_does_not_count_and_one_in_either_does():
    predicted, target = maps(0, high=3)
    confusion = confusion_matrix(predicted, target, classes=7)
    assert intersection_over_union(confusion).isnan().tolist() == [False] * 3 + [True] * 4
    assert mean_iou(confusion) == pytest.approx(mean_iou(confusion_matrix(predicted, target, classes=3)), abs=1e-9)
    invented = confusion.clone()
    invented[0, 5] += 1
    assert intersection_over_union(invented)[5] == 0 and mean_iou(invented) < 0.8 * mean_iou(confusion)


def test_one_class_everywhere_scores_its_share_over_the_number_of_classes():
    _, labels = labeled_shapes(40)
    score = mean_iou(confusion_matrix(torch.zeros_like(labels), labels, classes=len(CLASSES)))
    assert score == pytest.approx((labels == 0).double().mean().item() / 11, abs=1e-9)


def test_perfect_maps_score_one_and_matrices_add_up():
    a, b = maps(0), maps(1)
    assert mean_iou(confusion_matrix(a[0], a[0], classes=5)) == 1
    both = confusion_matrix(torch.cat([a[0], b[0]]), torch.cat([a[1], b[1]]), classes=5)
    assert torch.equal(both, confusion_matrix(*a, classes=5) + confusion_matrix(*b, classes=5))


def test_pixels_marked_255_do_not_count():
    predicted, target = maps(0)
    masked = target.masked_fill(target == 2, 255)
    assert torch.equal(
        confusion_matrix(predicted, masked, classes=5)[[0, 1, 3, 4]],
        confusion_matrix(*maps(0), classes=5)[[0, 1, 3, 4]],
    )
    assert confusion_matrix(predicted, masked, classes=5)[2].sum() == 0


def test_the_label_of_a_pixel_is_its_figure():
    images, labels = labeled_shapes(20, seed=3)
    drawn = generate(20, seed=3)
    assert torch.equal(images, drawn.images) and torch.equal(labels > 0, drawn.masks)
    assert torch.equal(labels.flatten(1).max(1).values, drawn.labels + 1) and CLASSES[1] == "circle"


def test_labels_that_do_not_fit_are_refused():
    predicted, target = maps(0)
    with pytest.raises(ValueError, match=r"labels must be from 0 to 3, or 255 in the target; got \[0, 1, 2, 3, 4\]"):
        confusion_matrix(predicted, target, classes=4)
    with pytest.raises(ValueError, match=r"predicted.shape must be \(3, 17, 11\); got \(2, 17, 11\)"):
        confusion_matrix(predicted[:2], target, classes=5)
    with pytest.raises(ValueError, match="confusion must be a matrix that counts at least one; got 'no pixel'"):
        mean_iou(torch.zeros(3, 3))
