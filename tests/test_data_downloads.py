"""Published sets: small files in the published formats, read by torchvision itself; and no network."""

import gzip
import hashlib
import os
import pickle
import tarfile

import numpy as np
import pytest
import torch

from cnnlab import data
from cnnlab.data import downloads
from cnnlab.data.resize import resize


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No data, no cache, and a network that refuses every connection."""
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def md5(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def cifar(root, monkeypatch, name):
    """A CIFAR of 5 x 20 + 20 images in the published format, its checksums told to torchvision."""
    import torchvision

    published = getattr(torchvision.datasets, name)
    classes = 10 if name == "CIFAR10" else 100
    base, generator = root / published.base_folder, np.random.default_rng(0)
    base.mkdir(parents=True)
    truth = {}

    def write(file, content):
        (base / file).write_bytes(pickle.dumps(content))
        return [file, md5(base / file)]

    for part in ("train", "test"):
        pixels, labels = generator.integers(256, size=(10 * classes, 3072), dtype=np.uint8), np.arange(10 * classes)
        key = "labels" if classes == 10 else "fine_labels"
        truth[part] = (pixels.reshape(-1, 3, 32, 32), labels % classes)
        file = write(f"{part}_batch", {"data": pixels, key: (labels % classes).tolist()})
        monkeypatch.setattr(published, f"{part}_list", [file])
    names = [f"class {i}" for i in range(classes)]
    file, digest = write("meta", {published.meta["key"]: names})
    monkeypatch.setattr(published, "meta", {**published.meta, "filename": file, "md5": digest})
    with tarfile.open(root / published.filename, "w:gz") as archive:
        archive.add(base, published.base_folder)
    monkeypatch.setattr(published, "tgz_md5", md5(root / published.filename))
    return truth, names


def check(loaded, truth, names):
    assert loaded.classes == tuple(names)
    for split, (pixels, labels) in ((loaded.train, truth["train"]), (loaded.test, truth["test"])):
        assert np.array_equal(split.images.numpy(), pixels) and np.array_equal(split.labels.numpy(), labels)
        assert split.images.dtype == torch.uint8 and split.labels.dtype == torch.int64


@pytest.mark.parametrize(("name", "kind"), [("cifar10", "CIFAR10"), ("cifar100", "CIFAR100")])
def test_cifar_is_read_as_published(tmp_path, monkeypatch, name, kind):
    truth, names = cifar(tmp_path, monkeypatch, kind)
    loaded = data.load(name, root=tmp_path, valid=0)
    check(loaded, truth, names)
    assert loaded.name == name and "license" in loaded.provenance and "Krizhevsky" in loaded.provenance


def test_an_archive_put_by_hand_needs_no_network(tmp_path, monkeypatch):
    import shutil

    truth, names = cifar(tmp_path, monkeypatch, "CIFAR10")
    shutil.rmtree(tmp_path / "cifar-10-batches-py")
    monkeypatch.setenv("CNNLAB_DATA", os.pathsep.join(["/nowhere", str(tmp_path)]))
    check(data.load("cifar10", valid=0), truth, names)


def test_size_and_valid_reach_published_sets(tmp_path, monkeypatch):
    truth, _ = cifar(tmp_path, monkeypatch, "CIFAR10")
    loaded = data.load("cifar10", root=tmp_path, size=8, valid=0.2)
    assert torch.equal(loaded.test.images, resize(torch.from_numpy(truth["test"][0]), (8, 8)))
    assert loaded.valid.labels.bincount().tolist() == [2] * 10


def idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(header + array.tobytes()))


def mnist(root, monkeypatch, kind):
    """An MNIST of 40 + 20 images as the four published .gz files."""
    import torchvision

    generator, truth, resources = np.random.default_rng(1), {}, []
    for part, file, count in (("train", "train", 40), ("test", "t10k", 20)):
        pixels = generator.integers(256, size=(count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        truth[part] = (pixels[:, None], labels)
        for array, what in ((pixels, "images-idx3"), (labels, "labels-idx1")):
            path = root / kind / "raw" / f"{file}-{what}-ubyte.gz"
            idx(path, array)
            resources.append((path.name, md5(path)))
    monkeypatch.setattr(getattr(torchvision.datasets, kind), "resources", resources)
    return truth


@pytest.mark.parametrize(("name", "kind"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_mnist_and_fashion_are_read_as_published(tmp_path, monkeypatch, name, kind):
    import torchvision

    truth = mnist(tmp_path, monkeypatch, kind)
    check(data.load(name, root=tmp_path, valid=0), truth, getattr(torchvision.datasets, kind).classes)


@pytest.mark.parametrize("name", downloads.PUBLISHED)
def test_without_network_the_error_says_what_to_put_where_and_what_serves_instead(name, tmp_path):
    published = downloads.PUBLISHED[name]
    with pytest.raises(FileNotFoundError, match=f"{name} is not in .*could not be downloaded") as caught:
        data.load(name, progress=False)
    for file in published.files:
        assert file in str(caught.value)
    assert f"into {tmp_path / 'cache' / 'torchvision'}" in str(caught.value)
    assert f'data.load("{published.instead}"), which needs no network' in str(caught.value)


@pytest.mark.parametrize("name", downloads.PUBLISHED)
def test_the_files_named_are_those_torchvision_looks_for(name):
    import torchvision

    published = downloads.PUBLISHED[name]
    kind = getattr(torchvision.datasets, published.torchvision)
    if name.startswith("cifar"):
        assert published.files == (kind.filename,) and published.folder == kind.base_folder
    else:
        assert {file.rpartition("/")[2] for file in published.files} == {file for file, _ in kind.resources}


def test_a_file_that_fails_its_checksum_is_not_used(tmp_path, monkeypatch):
    cifar(tmp_path, monkeypatch, "CIFAR10")
    for file in (tmp_path / "cifar-10-python.tar.gz", tmp_path / "cifar-10-batches-py" / "train_batch"):
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(FileNotFoundError, match="cifar10 is not in .*, or is damaged there"):
        data.load("cifar10", root=tmp_path, progress=False)


def test_a_download_shows_its_progress_unless_told_not_to(tmp_path, monkeypatch, capsys):
    import io

    import torchvision

    cifar(tmp_path / "web", monkeypatch, "CIFAR10")
    content = (tmp_path / "web" / "cifar-10-python.tar.gz").read_bytes()

    def answer(request, **_):
        reply = io.BytesIO(content)
        reply.url, reply.length = request.full_url, len(content)
        return reply

    monkeypatch.setattr("urllib.request.urlopen", answer)
    assert torchvision.datasets.utils.urllib.request.urlopen is answer
    data.load("cifar10", root=tmp_path / "loud")
    assert "100%" in capsys.readouterr().err
    data.load("cifar10", root=tmp_path / "quiet", progress=False)
    assert capsys.readouterr().err == ""
