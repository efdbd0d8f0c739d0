"""`load`, the splits every set goes through, and the digits."""

import base64
import os

import numpy as np
import pytest
import torch

from cnnlab import data
from cnnlab.data import digits
from cnnlab.data.dataset import Raw, Split, divide, stratified
from cnnlab.data.resize import resize


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)


def rows(images):
    return {image.numpy().tobytes() for image in images}


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    reference = load_digits()
    pixels, labels = digits.ink()
    assert np.array_equal(pixels.numpy(), reference.images)
    assert np.array_equal(labels.numpy(), reference.target)


def test_digits_are_stretched_so_that_the_ink_can_be_had_back():
    data_set = data.load("digits", valid=0)
    images = torch.cat([data_set.train.images, data_set.test.images]).double()
    assert images.min() == 0 and images.max() == 255
    assert rows((images * 16 / 255).round().to(torch.uint8)) == rows(digits.ink()[0])


def test_the_digits_file_is_small():
    from importlib.resources import files

    assert len((files("cnnlab.data") / "digits.bin").read_bytes()) < 45_000


@pytest.mark.browser
def test_the_javascript_of_the_docstring_reads_the_digits(chromium):
    code = "\n".join(line for line in digits.__doc__.splitlines() if line.startswith("    const"))
    assert "DecompressionStream" in code
    packed = base64.b64encode((digits.files("cnnlab.data") / "digits.bin").read_bytes()).decode()
    read = f"async (packed) => {{ const file = await (await fetch(packed)).blob();\n{code}\nreturn [...labels, ...pixels]; }}"
    page = chromium.new_page()
    got = page.evaluate(read, f"data:application/octet-stream;base64,{packed}")
    page.close()
    pixels, labels = digits.ink()
    assert got == [*labels.tolist(), *pixels.flatten().tolist()]


def test_no_image_is_in_two_splits_and_none_is_lost():
    data_set = data.load("digits")
    parts = [rows(split.images) for split in (data_set.train, data_set.valid, data_set.test)]
    assert [len(part) for part in parts] == [1294, 144, 359]  # digits holds no image twice
    assert len(set.union(*parts)) == 1797


def test_labels_follow_their_images_through_the_splits():
    pixels, labels = digits.ink()
    known = {pixel.numpy().tobytes(): int(label) for pixel, label in zip(pixels, labels, strict=True)}
    data_set = data.load("digits", seed=3)
    for split in (data_set.train, data_set.valid, data_set.test):
        ink = (split.images[:, 0].double() * 16 / 255).round().to(torch.uint8)
        assert [known[image.numpy().tobytes()] for image in ink] == split.labels.tolist()


@pytest.mark.parametrize("share", [0.1, 0.25])
@pytest.mark.rows("W07")
def test_the_valid_split_is_stratified(share):
    labels = torch.arange(10).repeat_interleave(torch.arange(40, 240, 20))
    images = torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8)
    raw = Raw("x", tuple("abcdefghij"), "nowhere", Split(images, labels), Split(images, labels))
    got = divide(raw, share, 0).valid.labels.bincount()
    assert (got - share * labels.bincount()).abs().max() <= 1


def test_the_seed_alone_decides_the_splits():
    first, same, other = (data.load("digits", seed=seed) for seed in (5, 5, 6))
    for split in ("train", "valid", "test"):
        assert torch.equal(getattr(first, split).images, getattr(same, split).images)
        assert rows(getattr(first, split).images) != rows(getattr(other, split).images)


def test_every_prefix_of_a_stratified_order_holds_the_classes_in_proportion():
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)[torch.randperm(100)]
    order = stratified(labels, 0)
    assert sorted(order.tolist()) == list(range(100))
    for n in range(1, 101):
        counts = labels[order[:n]].bincount(minlength=3)
        assert (counts - n * torch.tensor([0.5, 0.3, 0.2])).abs().max() <= 1


def test_subsets_are_balanced_and_nested_and_leave_the_other_splits_alone():
    data_set = data.load("shapes", images=500, valid=0)
    small, large = data_set.subset(100), data_set.subset(200)
    assert small.train.labels.bincount().tolist() == [10] * 10
    assert rows(small.train.images) < rows(large.train.images) < rows(data_set.train.images)
    assert small.valid is data_set.valid and small.test is data_set.test
    assert "subset of 100 train images by seed 0" in small.provenance


@pytest.mark.parametrize("n", [0, -1, 1295, 2.0, True])
def test_a_subset_larger_than_the_set_or_empty_is_refused(n):
    with pytest.raises(ValueError, match=r"subset of .* is not possible; give 1 to 1294"):
        data.load("digits").subset(n)


def test_mean_and_std_are_those_of_the_train_images_scaled_to_one():
    data_set = data.load("shapes", images=1300)
    images = data_set.train.images.double() / 255
    torch.testing.assert_close(data_set.mean, images.mean((0, 2, 3)).float(), rtol=0, atol=1e-6)
    torch.testing.assert_close(data_set.std, images.std((0, 2, 3), correction=0).float(), rtol=0, atol=1e-6)
    assert data_set.mean.dtype == torch.float32


def test_a_constant_channel_does_not_divide_by_zero():
    split = Split(torch.full((4, 1, 2, 2), 7, dtype=torch.uint8), torch.tensor([0, 0, 1, 1]))
    assert divide(Raw("x", ("a", "b"), "nowhere", split, split), 0, 0).std.item() == pytest.approx(1 / 255)


def test_to_moves_every_tensor():
    moved = data.load("digits").to("meta")
    assert {t.device.type for split in (moved.train, moved.valid, moved.test) for t in split} == {"meta"}


def test_the_summary_names_counts_shape_classes_and_provenance():
    text = repr(data.load("digits"))
    assert "digits: 1,294 train, 144 valid, 359 test images, 1 x 8 x 8" in text
    assert "10 classes: 0, 1, 2" in text and "CC BY 4.0" in text and "seed 0" in text


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_provenance_names_license_and_split_seed(name):
    options = {"images": 100} if name == "shapes" else {}
    provenance = data.load(name, seed=11, **options).provenance
    assert "license" in provenance and "seed 11" in provenance


def test_resizing_by_a_whole_factor_is_average_pooling():
    images = torch.randint(256, (5, 3, 12, 8), dtype=torch.uint8)
    pooled = torch.nn.functional.avg_pool2d(images.double(), (3, 2))
    assert torch.equal(resize(images, (4, 4)).double(), (pooled + 0.5).floor())


def test_enlarging_by_a_whole_factor_repeats_pixels():
    images = torch.randint(256, (5, 3, 6, 7), dtype=torch.uint8)
    assert torch.equal(resize(images, (12, 21)), images.repeat_interleave(2, 2).repeat_interleave(3, 3))


def test_resizing_by_any_factor_keeps_the_mean():
    images = torch.randint(256, (50, 1, 32, 32), dtype=torch.uint8)
    for size in ((11, 13), (28, 28), (45, 7)):
        assert (resize(images, size).double().mean((1, 2, 3)) - images.double().mean((1, 2, 3))).abs().max() < 0.2


@pytest.mark.parametrize(("size", "shape"), [(4, (4, 4)), ((6, 4), (6, 4))])
def test_size_reaches_every_split_of_an_embedded_set(size, shape):
    plain, data_set = data.load("digits"), data.load("digits", size=size)
    for split in ("train", "valid", "test"):
        assert torch.equal(getattr(data_set, split).images, resize(getattr(plain, split).images, shape))


@pytest.mark.parametrize("size", [0, -3, 8.0, True, "8", (8,), (8, 0), (1, 2, 3), 5000])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match=r"is no image size; give pixels a side, 1 to 1024, or \(height, width\)"):
        data.load("digits", size=size)


@pytest.mark.parametrize("valid", [1, -0.1, 1.5, float("nan"), "0.1", True, None])
def test_a_valid_share_out_of_range_is_refused(valid):
    with pytest.raises(ValueError, match=r"valid=.* is no share .* from 0 to below 1"):
        data.load("digits", valid=valid)


def test_a_valid_share_that_leaves_a_class_without_train_images_is_refused():
    with pytest.raises(ValueError, match=r'class "\w+" of shapes has no train image left at valid=0.99; use more'):
        data.load("shapes", images=30, valid=0.99)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, "0", True])
def test_a_seed_torch_would_fold_is_refused(seed):
    with pytest.raises(ValueError, match=r"is not a seed; give a whole number from 0 to 2\*\*32 - 1"):
        data.load("digits", seed=seed)


def test_an_unknown_option_lists_the_known_ones():
    with pytest.raises(ValueError, match='option "hardness" is unknown .* "shapes"; choose one of: difficulty, images'):
        data.load("shapes", hardness=1)
    with pytest.raises(ValueError, match='option "images" is unknown for data set "digits"; it takes none'):
        data.load("digits", images=100)


def test_an_unknown_name_lists_embedded_published_and_found_sets(monkeypatch, tmp_path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "cars.tar.gz").touch()
    (tmp_path / "notes.txt").touch()
    monkeypatch.setenv("CNNLAB_DATA", os.pathsep.join([str(tmp_path), str(tmp_path / "gone")]))
    with pytest.raises(ValueError, match='data set "digit" is unknown') as caught:
        data.load("digit")
    assert "digits, shapes (embedded); cifar10, cifar100, mnist, fashion_mnist (through torchvision)" in str(
        caught.value
    )
    assert "; cars, pets (in the folders of CNNLAB_DATA)" in str(caught.value)
    assert f"No such folder: {tmp_path / 'gone'}" in str(caught.value)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="is not a data set; give a name or the path"):
        data.load(name)


@pytest.mark.parametrize("name", ["no/such/folder", "gone.tar.xz"])
def test_a_path_to_nothing_is_refused(name):
    with pytest.raises(FileNotFoundError, match="there is no image folder or archive at"):
        data.load(name)
