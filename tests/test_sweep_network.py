"""The images of a config: what is done to them, to which of them, and what is refused before anything is loaded."""

import pytest
import torch

from cnnlab import data
from cnnlab.config import Config, Data
from cnnlab.data import Dataset, Split
from cnnlab.data.dataset import SPLITS
from cnnlab.data.preparation import ENHANCEMENTS, prepare, to_color_space
from cnnlab.sweep.network import dataset_of
from cnnlab.techniques.color import COLOR_SPACES, rgb_to_lab

# What OpenCV 4 gives for these colors in 8 bits (cvtColor, COLOR_RGB2GRAY and so on), worked out once.
COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 0, 1), (200, 100, 50)]
OPENCV = {
    "gray": [(76,), (150,), (29,), (255,), (0,), (76,), (124,)],
    "hsv": [(0, 255, 255), (60, 255, 255), (120, 255, 255), (0, 0, 255), (0, 0, 0), (0, 255, 255), (10, 191, 200)],
    "ycrcb": [
        (76, 255, 85),
        (150, 21, 43),
        (29, 107, 255),
        (255, 128, 128),
        (0, 128, 128),
        (76, 255, 86),
        (124, 182, 86),
    ],
    "lab": [
        (136, 208, 195),
        (224, 42, 211),
        (82, 207, 20),
        (255, 128, 128),
        (0, 128, 128),
        (136, 208, 195),
        (137, 164, 173),
    ],
}


def split(n: int, seed: int, channels: int = 3) -> Split:
    """Pictures of low contrast, eight of each of the first classes and so on in turn."""
    images = 80 + torch.randint(
        60, (n, channels, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )
    return Split(images, torch.arange(n) % 4)


def pictures(channels: int = 3) -> Dataset:
    return Dataset(
        "made", tuple("abcd"), "made", split(80, 0, channels), split(24, 1, channels), split(16, 2, channels)
    )


@pytest.mark.rows("Q05")
@pytest.mark.parametrize("name", OPENCV)
def test_a_color_space_in_bytes_is_opencvs(name):
    """To one level, since OpenCV's tables are of whole numbers."""
    images = torch.tensor(COLORS, dtype=torch.uint8).T[None, :, None]
    got = to_color_space(images, name)
    assert got.dtype == torch.uint8
    assert (got[0, :, 0].T.int() - torch.tensor(OPENCV[name])).abs().max() <= 1


@pytest.mark.rows("Q05")
@pytest.mark.parametrize("name", sorted(COLOR_SPACES))
def test_every_split_is_in_the_color_space(name):
    made = pictures()
    found = prepare(made, Data(color_space=name))
    for part in SPLITS:
        assert torch.equal(getattr(found, part).images, to_color_space(getattr(made, part).images, name))
        assert torch.equal(getattr(found, part).labels, getattr(made, part).labels)
    assert found.train.images.shape[1] == (1 if name == "gray" else 3)
    assert name == "rgb" or f"as {name} in 8 bits" in found.provenance


@pytest.mark.rows("Q07")
@pytest.mark.parametrize("name", ENHANCEMENTS)
def test_enhancement_spreads_lightness_in_every_split_and_keeps_hues(name):
    made = pictures()
    found = prepare(made, Data(enhancement=name))
    for part in SPLITS:
        before, after = (rgb_to_lab(getattr(each, part).images / 255) for each in (made, found))
        assert (after[:, 0].std((1, 2)) > 1.5 * before[:, 0].std((1, 2))).all()
    assert f"enhancement {name} of lightness" in found.provenance
    assert prepare(pictures(channels=1), Data(enhancement=name)).train.images.float().std() > 25  # from 17


@pytest.mark.rows("Q05", "Q07")
def test_lightness_is_made_even_before_the_color_space_is_changed():
    both = prepare(pictures(), Data(enhancement="histogram", color_space="hsv"))
    even = prepare(pictures(), Data(enhancement="histogram"))
    assert torch.equal(both.train.images, to_color_space(even.train.images, "hsv"))


@pytest.mark.rows("Z02")
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.9])
def test_label_noise_has_exactly_its_rate_in_every_class_of_train_alone(rate):
    made, found = pictures(), prepare(pictures(), Data(label_noise=rate))
    wrong = found.train.labels != made.train.labels
    assert [int(wrong[made.train.labels == k].sum()) for k in range(4)] == [round(20 * rate)] * 4
    assert torch.equal(found.train.images, made.train.images)
    for part in ("valid", "test"):
        assert all(torch.equal(*pair) for pair in zip(getattr(made, part), getattr(found, part), strict=True))
    assert torch.equal(found.train.labels, prepare(pictures(), Data(label_noise=rate)).train.labels)
    assert f"{rate} of the train labels turned into other classes by seed 0, valid and test clean" in found.provenance


@pytest.mark.rows("Z01", "Z02")
def test_noise_comes_after_the_subset():
    found = prepare(pictures(), Data(train_images=40, label_noise=0.5))
    clean = pictures().subset(40)
    assert torch.equal(found.train.images, clean.train.images)
    assert int((found.train.labels != clean.train.labels).sum()) == 20


def test_at_the_defaults_nothing_is_done():
    made = pictures()
    assert prepare(made, Data()) is made
    loaded, found = data.load("digits"), dataset_of(Config())
    assert found.provenance == loaded.provenance
    assert all(torch.equal(*pair) for s in SPLITS for pair in zip(getattr(loaded, s), getattr(found, s), strict=True))


def test_configs_that_differ_in_any_field_of_data_do_not_share_images(monkeypatch):
    monkeypatch.setattr(data, "load", lambda *_, **__: pictures())
    config = Config().with_fields(dataset="made", train_images=60)
    changes = [{"label_noise": 0.2}, {"color_space": "lab"}, {"enhancement": "histogram"}, {"train_images": 40}]
    first = dataset_of(config)
    assert dataset_of(config.with_fields(lr=0.5)) is first
    provenances = {dataset_of(config.with_fields(**change)).provenance for change in changes}
    assert len(provenances | {first.provenance}) == 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"color_space": "cmyk"}, 'color space "cmyk" is unknown; choose one of: gray, hsv, lab, rgb, ycrcb'),
        ({"enhancement": "sharp"}, 'enhancement "sharp" is unknown; choose one of: clahe, histogram, none'),
        ({"label_noise": 1.0}, "label_noise must be at least 0 and below 1; got 1.0"),
        ({"label_noise": -0.1}, "label_noise must be at least 0 and below 1; got -0.1"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_loaded(fields, message):
    with pytest.raises(ValueError, match=message):
        dataset_of(Config().with_fields(dataset="no-such-set", **fields))


@pytest.mark.rows("Q05")
def test_gray_images_have_no_colors_to_change():
    with pytest.raises(ValueError, match="color_space must be \"rgb\" for digits, which is gray; got 'hsv'"):
        dataset_of(Config().with_fields(color_space="hsv"))
