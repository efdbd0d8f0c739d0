"""Image folders and archives of them: what is read, how it is laid out, what is refused."""

import io
import os
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from cnnlab import data
from cnnlab.data import folder, images, members
from cnnlab.data.resize import resize

ENDINGS = (".zip", ".tar", ".tar.gz", ".tar.xz")


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)


def picture(seed: int, *, mode="RGB", size=(8, 6)):
    from PIL import Image

    values = np.random.default_rng(seed).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def put(root: Path, name: str, image=None, **options):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or picture(sum(name.encode()), **options)).save(path)
    return path


def two_level(root: Path, **options) -> Path:
    for part, count in (("train", 4), ("test", 2)):
        for name in ("cat", "dog", "eel"):
            for i in range(count):
                put(root, f"{part}/{name}/{i}.png", **options)
    return root


def pack(root: Path, ending: str, prefix: str = "") -> Path:
    archive = root.with_name(root.name + ending)
    if ending == ".zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted(root.rglob("*")):
                file.write(path, prefix + path.relative_to(root).as_posix())
    else:
        with tarfile.open(archive, "w:" + ending.rpartition(".")[2].replace("tar", "")) as file:
            file.add(root, prefix or ".")
    return archive


def load(path, **options):
    return data.load(path, progress=False, **options)


def test_a_folder_gives_its_pixels_and_labels(tmp_path):
    root = two_level(tmp_path / "pets")
    got = load(root, valid=0)
    assert got.classes == ("cat", "dog", "eel") and got.name == "pets"
    for split, part in ((got.train, "train"), (got.test, "test")):
        turns = [(i, name) for i in range(len(split.labels) // 3) for name in got.classes]
        want = [np.asarray(picture(sum(f"{part}/{name}/{i}.png".encode()))).transpose(2, 0, 1) for i, name in turns]
        assert np.array_equal(split.images.numpy(), np.stack(want))
        assert [got.classes[label] for label in split.labels] == [name for _, name in turns]


@pytest.mark.parametrize("prefix", ["", "outer/deep/"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_archive_gives_what_its_folder_gives(tmp_path, ending, prefix):
    root = two_level(tmp_path / "pets")
    plain, packed = load(root), load(pack(root, ending, prefix))
    assert packed.name == "pets" and packed.classes == plain.classes
    for split in ("train", "valid", "test"):
        assert all(map(torch.equal, getattr(packed, split), getattr(plain, split)))


def test_one_level_is_split_by_the_seed(tmp_path):
    for name in ("a", "b"):
        for i in range(20):
            put(tmp_path / "flat", f"{name}/{i}.png")
    got = load(tmp_path / "flat", seed=2)
    assert [len(split.labels) for split in (got.train, got.valid, got.test)] == [29, 3, 8]
    assert got.test.labels.bincount().tolist() == [4, 4] and "test 20% by seed 2, stratified" in got.provenance
    assert not torch.equal(got.test.images, load(tmp_path / "flat", seed=3).test.images)


def test_a_train_folder_alone_is_split_by_the_seed(tmp_path):
    for name in ("a", "b"):
        for i in range(10):
            put(tmp_path / "half", f"train/{name}/{i}.png")
    assert len(load(tmp_path / "half").test.labels) == 4


def test_names_are_found_in_the_folders_of_the_environment(monkeypatch, tmp_path):
    archive = pack(two_level(tmp_path / "pets"), ".tar.xz")
    (tmp_path / "elsewhere").mkdir()
    archive.rename(tmp_path / "elsewhere" / "animals.tar.xz")
    monkeypatch.setenv("CNNLAB_DATA", os.pathsep.join(["/nowhere", str(tmp_path / "elsewhere")]))
    assert load("animals").name == "animals"
    assert load("animals", root=tmp_path / "elsewhere").name == "animals"
    with pytest.raises(ValueError, match="pets"):
        load("animals", root=tmp_path)


def test_the_true_name_of_the_jpeg_copy_is_in_its_provenance(tmp_path):
    got = load(two_level(tmp_path / "cifar10-jpeg"))
    assert got.name == "cifar10-jpeg" and "re-encoded as JPEG" in got.provenance and "license" in got.provenance


def test_no_path_of_the_machine_is_in_the_provenance(tmp_path):
    assert str(tmp_path) not in load(two_level(tmp_path / "pets")).provenance


def test_gray_images_keep_one_channel(tmp_path):
    got = load(two_level(tmp_path / "gray", mode="L"))
    assert got.train.images.shape[1] == 1


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
def test_beside_colored_images_every_mode_becomes_rgb(tmp_path, mode):
    root = two_level(tmp_path / "mixed")
    odd = put(root, "train/cat/0.png", mode=mode)
    from PIL import Image

    want = np.asarray(Image.open(odd).convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(load(root, valid=0).train.images[0].numpy(), want)


def test_sixteen_bits_become_eight(tmp_path):
    from PIL import Image

    root = two_level(tmp_path / "deep", mode="L")
    values = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1365
    put(root, "train/cat/0.png", Image.fromarray(values))
    assert np.array_equal(load(root, valid=0).train.images[0, 0].numpy(), values // 256)


def test_a_photo_held_sideways_is_turned_upright(tmp_path):
    from PIL import Image

    image, exif = picture(1, size=(6, 8)), Image.Exif()
    exif[images.ORIENTATION] = 6
    root = two_level(tmp_path / "phone")
    image.save(root / "train/cat/0.png", exif=exif)
    want = np.rot90(np.asarray(image), -1).transpose(2, 0, 1)
    assert np.array_equal(load(root, valid=0).train.images[0].numpy(), want)


def test_size_resizes_images_of_any_size_by_area(tmp_path):
    root = two_level(tmp_path / "pets")
    put(root, "train/cat/0.png", size=(30, 20))
    want = torch.from_numpy(np.asarray(picture(sum(b"train/cat/0.png"), size=(30, 20))).transpose(2, 0, 1).copy())
    got = load(root, size=(4, 5), valid=0).train.images
    assert torch.equal(got[0], resize(want[None], (4, 5))[0])


def test_files_that_are_no_images_are_passed_over(tmp_path):
    root = two_level(tmp_path / "pets")
    want = load(root).train.images
    for name in ("README.md", "train/cat/notes.txt", "train/cat/._0.png", ".git/x/y.png", "__MACOSX/train/cat/0.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("no image")
    assert torch.equal(load(root).train.images, want)
    assert torch.equal(load(pack(root, ".zip")).train.images, want)


def test_linked_folders_are_followed_once(tmp_path):
    root = two_level(tmp_path / "pets")
    (root / "train/dog").rename(tmp_path / "dogs")
    (root / "train/dog").symlink_to(tmp_path / "dogs")
    (root / "train/cat/loop").symlink_to(root)
    assert load(root, valid=0).train.labels.bincount().tolist() == [4, 4, 4]


def test_mixed_sizes_are_refused_without_size(tmp_path):
    root = two_level(tmp_path / "pets")
    put(root, "train/eel/3.png", size=(9, 7))
    with pytest.raises(ValueError, match=r'mixes sizes: "test/.*" is 8 x 6 .*"train/eel/3.png" is 9 x 7; give size='):
        load(root)


def test_an_unreadable_image_is_named(tmp_path):
    root = two_level(tmp_path / "pets")
    whole = (root / "train/dog/1.png").read_bytes()
    for broken in (b"", b"no image at all", whole[: len(whole) // 2], b"%!PS-Adobe-3.0 EPSF-3.0\n"):
        (root / "train/dog/1.png").write_bytes(broken)
        with pytest.raises(ValueError, match='image "train/dog/1.png" of .*pets cannot be read: .*; remove it'):
            load(root)


def test_an_image_of_absurd_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 47)
    with pytest.raises(ValueError, match="cannot be read: 8 x 6 pixels; at most 47 are allowed"):
        load(two_level(tmp_path / "pets"))


def test_more_pixels_than_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MAX_DECODED", 1000)
    with pytest.raises(ValueError, match="takes more than .* GiB when decoded; give a smaller size="):
        load(two_level(tmp_path / "pets"))


@pytest.mark.parametrize("ending", ["", ".zip", ".tar"])
def test_an_empty_class_is_refused(tmp_path, ending):
    root = two_level(tmp_path / "pets")
    (root / "train/fox").mkdir()
    with pytest.raises(ValueError, match='class folder "train/fox" of .* holds no images'):
        load(pack(root, ending) if ending else root)


def test_a_class_with_unknown_files_only_is_empty(tmp_path):
    root = two_level(tmp_path / "pets")
    (root / "train/fox").mkdir()
    (root / "train/fox/1.heic").touch()
    with pytest.raises(ValueError, match=r'class folder "train/fox" of .* holds no images \(.jpg'):
        load(pack(root, ".tar.gz"))


LAYOUTS = {
    "is in test but not in train; add train images of it": "test/fox/1.png",
    'image "1.png" of .* lies outside a class folder': "1.png",
    'image "train/1.png" of .* lies outside a class folder': "train/1.png",
    "has test, train, val side by side": "val/cat/1.png",
}


@pytest.mark.parametrize("message", LAYOUTS)
def test_a_layout_with_no_one_meaning_is_refused(tmp_path, message):
    root = two_level(tmp_path / "pets")
    put(root, LAYOUTS[message])
    with pytest.raises(ValueError, match=message):
        load(root)


def test_an_empty_test_folder_is_refused(tmp_path):
    for name in ("a/1.png", "b/1.png"):
        put(tmp_path / "x" / "train", name)
    (tmp_path / "x" / "test").mkdir()
    with pytest.raises(ValueError, match='folder "test" of .* holds no images'):
        load(tmp_path / "x")


def test_one_class_is_refused(tmp_path):
    put(tmp_path / "x", "cat/1.png")
    with pytest.raises(ValueError, match='has one class, "cat", and telling classes apart needs two'):
        load(tmp_path / "x")


def test_too_few_images_for_a_test_part_are_refused(tmp_path):
    for name in ("a", "b"):
        put(tmp_path / "x", f"{name}/1.png")
    with pytest.raises(ValueError, match="x has 2 images, too few for a test part; add images"):
        load(tmp_path / "x")


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "x" / "cat").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"x holds no images \(.jpg.*expected train/<class>/<image>"):
        load(tmp_path / "x")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "x.rar").touch()
    with pytest.raises(ValueError, match=r"x.rar is neither a folder nor an archive; .*'.zip', '.tar'"):
        load(tmp_path / "x.rar")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_archive_is_refused(tmp_path, ending):
    archive = pack(two_level(tmp_path / "pets"), ending)
    whole = archive.read_bytes()
    for broken in (whole[: len(whole) // 2], b"no archive", b""):
        archive.write_bytes(broken)
        with pytest.raises(ValueError, match="damaged or cut short|holds no images"):
            load(archive)


def hostile_tar(path: Path, name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"") -> Path:
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.size, entry.linkname = kind, len(content), "/etc/passwd"
        archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["../cat/1.png", "/cat/1.png", "cat/../../1.png", "C:/cat/1.png", "cat\\..\\1.png"])
def test_a_member_that_points_outside_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"is refused: its member .* points outside; names have to be relative"):
        load(hostile_tar(tmp_path / "x.tar", name))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(name, b"")
    with pytest.raises(ValueError, match=r"is refused: its member .* points outside; names have to be relative"):
        load(tmp_path / "x.zip")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    with pytest.raises(ValueError, match='its member "cat/1.png" is a link or a device'):
        load(hostile_tar(tmp_path / "x.tar", "cat/1.png", kind))


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        entry = zipfile.ZipInfo("cat/1.png")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(ValueError, match='its member "cat/1.png" is a link or a device'):
        load(tmp_path / "x.zip")


def test_a_name_given_twice_is_refused(tmp_path):
    content = two_level(tmp_path / "pets") / "train/cat/0.png"
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.write(content, "cat/0.png")
    with pytest.raises(ValueError, match='holds "cat/0.png" twice; make the archive again'):
        load(tmp_path / "x.zip")


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.xz"])
def test_an_archive_that_grows_without_reason_is_refused(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(members, "FREE", 2**16)
    root = two_level(tmp_path / "pets")
    (root / "zeros.txt").write_bytes(bytes(2**23))
    with zipfile.ZipFile(tmp_path / "pets.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(root / "zeros.txt", "zeros.txt")
    path = tmp_path / "pets.zip" if ending == ".zip" else pack(root, ending)
    with pytest.raises(ValueError, match=r"is refused: its .* bytes grow beyond .* when decompressed"):
        load(path)


@pytest.mark.parametrize("ending", ["", ".zip", ".tar"])
def test_a_huge_member_is_refused(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(members, "MAX_MEMBER", 100)
    root = two_level(tmp_path / "pets")
    with pytest.raises(ValueError, match=r'its member ".*" has .* bytes; at most 100 may be'):
        load(pack(root, ending) if ending else root)


def test_nothing_is_extracted_to_disk(tmp_path, monkeypatch):
    archive = pack(two_level(tmp_path / "pets"), ".tar.xz")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("TMPDIR", str(work))
    monkeypatch.setattr("tempfile.tempdir", None)
    load(archive)
    assert list(work.iterdir()) == []


def jpeg_copy() -> Path:
    """The 60,000 photographs of the development machine; no part of the repository, so not even CI may demand them."""
    near = [Path(p) for p in os.environ.get("CNNLAB_DATA", "").split(os.pathsep) if p]
    near.append(Path(__file__).resolve().parents[2] / "shared" / "data")
    found = next((p / "cifar10-jpeg.tar.xz" for p in near if (p / "cifar10-jpeg.tar.xz").exists()), None)
    if found is None:
        pytest.skip("cifar10-jpeg.tar.xz is missing; name the folder it lies in in CNNLAB_DATA")
    return found


@pytest.mark.slow
def test_sixty_thousand_photographs_load_and_load_again_the_same(monkeypatch):
    archive = jpeg_copy()
    monkeypatch.setenv("CNNLAB_DATA", str(archive.parent))
    cold, warm = load("cifar10-jpeg"), load("cifar10-jpeg")
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    assert " ".join(cold.classes) == names
    for split, count in (("train", 4500), ("valid", 500), ("test", 1000)):
        assert getattr(cold, split).labels.bincount().tolist() == [count] * 10
        assert all(map(torch.equal, getattr(cold, split), getattr(warm, split)))
    published = torch.tensor([0.4914, 0.4822, 0.4465])  # the official train images' mean; JPEG moves it little
    assert (cold.mean - published).abs().max() < 0.002
