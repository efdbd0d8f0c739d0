import pytest
import torch
from torch import nn

from cnnlab.applications.gradients import cell_histograms, hog, oriented_gradients
from cnnlab.applications.learning import accuracy, learn
from cnnlab.data.digits import ink

pytestmark = pytest.mark.rows("U09")


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("orientations", "cell", "block"), [(9, 8, 3), (8, 4, 2), (6, 5, 1)])
def test_the_descriptor_is_scikit_images(orientations, cell, block):
    from skimage.feature import hog as theirs

    images = drawn(3, 37, 42)
    got = hog(images, orientations=orientations, cell=cell, block=block)
    for image, row in zip(images.numpy(), got, strict=True):
        want = theirs(image, orientations, (cell, cell), (block, block), block_norm="L2-Hys")
        torch.testing.assert_close(row, torch.from_numpy(want), rtol=0, atol=1e-3)


def test_twenty_cells_are_scikit_images_cells():
    from skimage.feature import hog as theirs

    image = drawn(32, 40)
    cells = cell_histograms(image[None])[0].flatten(0, 1)
    assert cells.shape == (20, 9)
    want = theirs(image.numpy(), 9, (8, 8), (1, 1), block_norm="L2").reshape(20, 9)
    torch.testing.assert_close(cells / cells.norm(dim=1, keepdim=True), torch.from_numpy(want), rtol=0, atol=1e-3)


def test_a_ramp_has_one_angle_and_all_its_gradient_there():
    y, x = torch.meshgrid(torch.arange(10.0), torch.arange(10.0), indexing="ij")
    for image, angle in [(x, 0), (y, 90), (x + y, 45), (y - x, 135), (-x - y, 45)]:
        magnitude, found = oriented_gradients(image)
        inside = (slice(1, -1), slice(1, -1))
        torch.testing.assert_close(found[inside], torch.full((8, 8), float(angle)))
        torch.testing.assert_close(magnitude[inside], torch.full((8, 8), 2.0 if angle % 90 == 0 else 8**0.5))


def test_brightness_and_contrast_change_nothing():
    images = drawn(2, 32, 32)
    torch.testing.assert_close(hog(5 * images + 3), hog(images), rtol=0, atol=1e-6)


def test_no_entry_drowns_the_others():
    images = drawn(1, 24, 24)
    images[:, :, 12:] += 50  # one edge
    assert hog(images).max() < 0.6
    assert hog(torch.ones(1, 24, 24)).abs().max() == 0


def test_on_digits_hog_and_a_linear_layer_come_near_to_learned_features():
    torch.manual_seed(0)
    pixels, labels = ink()
    images = pixels[:, None] / 16
    padded = nn.functional.interpolate(images, scale_factor=2, mode="bilinear")[:, 0]
    by_hand = hog(padded, cell=4, block=2)
    net = nn.Sequential(
        *(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)),
    )
    scores = {}
    for name, model, features in [
        ("pixels", nn.Linear(64, 10), images.flatten(1)),
        ("hog", nn.Linear(by_hand.shape[1], 10), by_hand),
        ("learned", net, images),
    ]:
        learn(model, [features[:1300]], labels[:1300], steps=600, lr=0.003)
        scores[name] = accuracy(model, [features[1300:]], labels[1300:])
    assert scores["hog"] > scores["pixels"] + 0.02, scores
    assert scores["hog"] == pytest.approx(scores["learned"], abs=0.05)


def test_images_too_small_are_refused():
    with pytest.raises(ValueError, match=r"images must be \(N, H, W\) of at least 8 pixels a side; got \(1, 7, 9\)"):
        cell_histograms(torch.zeros(1, 7, 9))
    with pytest.raises(ValueError, match=r"images must be of at least 3 cells a side; got \(1, 20, 40\)"):
        hog(torch.zeros(1, 20, 40))
