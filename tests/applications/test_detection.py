import pytest
import torch
from torch import nn

from cnnlab.applications.canvases import Canvas, strew
from cnnlab.applications.detection import box_iou, detect, nms, window_labels, windows
from cnnlab.applications.learning import learn
from cnnlab.data.digits import ink
from cnnlab.techniques.resampling import fully_convolutional

pytestmark = pytest.mark.rows("U03")


def boxes(n: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.rand(n, 4, generator=torch.Generator().manual_seed(seed)) * 40
    return torch.cat([drawn[:, :2], drawn[:, :2] + drawn[:, 2:] + 1], dim=1)


@pytest.mark.parametrize("seed", range(5))
def test_iou_is_torchvisions(seed):
    from torchvision.ops import box_iou as theirs

    a, b = boxes(30, seed), boxes(20, 100 + seed)
    torch.testing.assert_close(box_iou(a, b), theirs(a, b), rtol=0, atol=1e-6)


def test_iou_of_boxes_that_touch_are_equal_or_half_apart():
    a = torch.tensor([[0.0, 0, 4, 4]])
    b = torch.tensor([[4.0, 0, 8, 4], [0, 0, 4, 4], [2, 0, 6, 4], [1, 1, 3, 3], [9, 9, 10, 10]])
    torch.testing.assert_close(box_iou(a, b), torch.tensor([[0, 1, 1 / 3, 1 / 4, 0]]))


@pytest.mark.parametrize("seed", range(50))
def test_the_same_boxes_stay_as_in_torchvision(seed):
    from torchvision.ops import nms as theirs

    scores = torch.rand(60, generator=torch.Generator().manual_seed(1000 + seed))
    for threshold in (0.1, 0.3, 0.7):
        assert (
            nms(boxes(60, seed), scores, iou_threshold=threshold).tolist()
            == theirs(boxes(60, seed), scores, threshold).tolist()
        )


def test_what_a_suppressed_box_overlaps_stays():
    chain = torch.tensor([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    assert nms(chain, torch.tensor([0.9, 0.8, 0.7]), iou_threshold=0.3).tolist() == [0, 2]
    assert nms(chain[:0], torch.empty(0)).tolist() == []


def test_equal_scores_are_taken_in_order():
    same = torch.tensor([[0.0, 0, 10, 10]]).repeat(50, 1)
    assert nms(same, torch.ones(50)).tolist() == [0]


def test_windows_are_what_a_dense_classifier_sees():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(18, 4)).eval()
    image = torch.randn(1, 1, 14, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = fully_convolutional(net, image[..., :8, :8])(image)[0]
        crops = [image[..., y1:y2, x1:x2] for x1, y1, x2, y2 in windows(4, 3, size=8, stride=2).long().tolist()]
        torch.testing.assert_close(logits.flatten(1).T, net(torch.cat(crops)))


def test_windows_are_labeled_by_what_they_overlap_most():
    truth, labels = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]]), torch.tensor([3, 7])
    seen = torch.tensor([[0.0, 0, 10, 10], [21, 0, 31, 10], [3, 0, 13, 10], [12, 0, 22, 10], [40, 40, 50, 50]])
    assert window_labels(seen, truth, labels=labels, nothing=10).tolist() == [3, 7, -1, 10, 10]


def test_detections_are_sure_apart_and_sorted():
    logits = torch.tensor([-9.0, -9, 0]).view(3, 1, 1).repeat(1, 5, 5)
    logits[0, 1, 1], logits[1, 1, 2], logits[1, 4, 4] = 4, 3, 2
    found = detect(logits, size=2, threshold=0.85)
    assert found.boxes.tolist() == [[1, 1, 3, 3], [4, 4, 6, 6]] and found.labels.tolist() == [0, 1]
    torch.testing.assert_close(found.scores, torch.sigmoid(torch.tensor([4.0, 2])), rtol=1e-3, atol=0)


def test_logits_of_a_batch_are_refused():
    with pytest.raises(
        ValueError, match=r"logits must be \(classes \+ 1, height, width\) of one image; got \(1, 3, 5, 5\)"
    ):
        detect(torch.zeros(1, 3, 5, 5), size=2)


def test_digits_on_a_canvas_do_not_touch():
    images, labels = ink()
    canvas = strew(images[:16, None], labels[:16], size=48, generator=torch.Generator().manual_seed(0))
    for (x1, y1, x2, y2), image in zip(canvas.boxes.long().tolist(), images, strict=False):
        assert torch.equal(canvas.image[0, y1:y2, x1:x2], image)
    assert (box_iou(canvas.boxes, canvas.boxes) > 0).sum() == 16
    with pytest.raises(ValueError, match="the number of images must be at most 16 on 48 pixels; got 17"):
        strew(images[:17, None], labels[:17], size=48)


def canvases(first: int, last: int) -> list[Canvas]:
    """Ten of the digits `first` to `last` on each."""
    images, labels = ink()
    generator = torch.Generator().manual_seed(first)
    rows = torch.arange(first, last).view(-1, 10)
    return [strew(images[row, None] / 16, labels[row], size=60, generator=generator) for row in rows]


def lessons(canvas: Canvas) -> tuple[torch.Tensor, torch.Tensor]:
    """Windows of a canvas that show a digit, as many that show a part of one or nothing, and what they are."""
    every = windows(53, 53, size=8)  # what is off by two pixels is "nothing": otherwise it is found twice
    taught = window_labels(every, canvas.boxes, labels=canvas.labels, nothing=10, low=0.7)
    some, empty = ((taught >= 0) & (taught < 10)).nonzero()[:, 0], (taught == 10).nonzero()[:, 0]
    rows = torch.cat([some, empty[torch.randperm(len(empty))[:150]]])
    return canvas.image.unfold(1, 8, 1).unfold(2, 8, 1).reshape(-1, 1, 8, 8)[rows], taught[rows]


def test_a_classifier_slid_over_canvases_finds_the_digits():
    torch.manual_seed(0)
    crops, taught = (torch.cat(part) for part in zip(*map(lessons, canvases(0, 1500)), strict=True))
    net = nn.Sequential(
        *(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 11)),
    )
    learn(net, [crops], taught, steps=1500, lr=0.002)
    dense = fully_convolutional(net, crops[:1])
    right = said = 0
    for canvas in canvases(1500, 1700):
        with torch.no_grad():
            found = detect(dense(canvas.image[None])[0], size=8)
        overlap, which = box_iou(canvas.boxes, found.boxes).max(dim=1)
        right += ((overlap > 0.5) & (found.labels[which] == canvas.labels)).sum().item()
        said += len(found.labels)
    assert right / 200 > 0.85 and right / said > 0.85, (right, said)
