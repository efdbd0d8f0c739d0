import pytest
import torch

from cnnlab.applications.tracking import cross_correlation, normalized_cross_correlation, track

pytestmark = pytest.mark.rows("U03")


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def moving(patch: torch.Tensor, places: list[tuple[int, int]]) -> torch.Tensor:
    """The patch at (x, y) in each frame, over the same dim and cluttered background."""
    frames = (0.5 * drawn(1, 3, 40, 48, seed=1)).repeat(len(places), 1, 1, 1)
    for frame, (x, y) in zip(frames, places, strict=True):
        frame[:, y : y + patch.shape[1], x : x + patch.shape[2]] = patch
    return frames


PLACES = [(3, 5), (8, 6), (14, 9), (21, 14), (30, 20), (40, 31)]


def test_the_normalized_map_is_scikit_images():
    from skimage.feature import match_template

    search, template = drawn(2, 1, 30, 25), drawn(1, 7, 6, seed=1)
    for image, got in zip(search, normalized_cross_correlation(search, template), strict=True):
        want = torch.from_numpy(match_template(image[0].numpy(), template[0].numpy()))
        torch.testing.assert_close(got, want, rtol=0, atol=1e-4)


def test_the_plain_map_is_scipys():
    from scipy.signal import correlate2d

    search, template = drawn(1, 2, 12, 11), drawn(2, 4, 3, seed=1)
    want = sum(correlate2d(search[0, c].numpy(), template[c].numpy(), mode="valid") for c in range(2))
    torch.testing.assert_close(cross_correlation(search, template)[0], torch.from_numpy(want))


def test_the_box_follows_what_it_held_in_the_first_frame():
    frames = moving(drawn(3, 8, 7, seed=2), PLACES)
    boxes = track(frames, torch.tensor([3, 5, 10, 13]))
    assert boxes.tolist() == [[x, y, x + 7, y + 8] for x, y in PLACES]


def test_brightness_and_contrast_do_not_lose_it():
    frames = moving(drawn(3, 8, 7, seed=2), PLACES)
    fading = frames * torch.linspace(1, 0.2, 6).view(-1, 1, 1, 1) + torch.linspace(0, 0.3, 6).view(-1, 1, 1, 1)
    assert track(fading, torch.tensor([3, 5, 10, 13]))[:, :2].tolist() == [list(place) for place in PLACES]


def test_a_bright_spot_wins_the_plain_correlation_only():
    frames = moving(drawn(3, 8, 7, seed=2), PLACES)
    template = frames[0, :, 5:13, 3:10].clone()
    frames[:, :, 30:, :12] = 1
    plain = cross_correlation(frames, template).flatten(1).argmax(1)
    assert (plain // 42 >= 20).all()  # its row, of maps 42 wide: within the spot
    assert normalized_cross_correlation(frames, template).flatten(1).argmax(1)[2] == 9 * 42 + 14


def test_flat_windows_and_templates_correlate_with_nothing():
    assert normalized_cross_correlation(torch.full((1, 1, 6, 6), 0.7), drawn(1, 3, 3)).abs().max() == 0
    assert normalized_cross_correlation(drawn(1, 1, 6, 6), torch.full((1, 3, 3), 0.7)).abs().max() == 0
