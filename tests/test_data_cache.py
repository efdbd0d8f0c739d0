"""The cache of decoded images: whole or not there, never trusted blindly."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from cnnlab import data
from cnnlab.data import cache, folder


@pytest.fixture(autouse=True)
def kept(monkeypatch, tmp_path):
    """The folder of caches, empty."""
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "kept"))
    cache._warn_once.cache_clear()
    return tmp_path / "kept"


@pytest.fixture
def pets(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(10):
            Image.fromarray(generator.integers(256, size=(8, 8, 3), dtype=np.uint8)).save(
                tmp_path / "pets" / name / f"{i}.png"
            )
    return tmp_path / "pets"


@pytest.fixture
def builds(monkeypatch):
    """One entry for each time images were decoded."""
    calls, build = [], folder.build
    monkeypatch.setattr(folder, "build", lambda *a: calls.append(a) or build(*a))
    return calls


def load(path, **options):
    return data.load(path, progress=False, **options)


def same(a, b):
    return all(all(map(torch.equal, getattr(a, split), getattr(b, split))) for split in ("train", "valid", "test"))


def test_the_second_load_decodes_nothing_and_gives_the_same(pets, builds):
    assert same(load(pets), load(pets))
    assert len(builds) == 1


def test_the_cache_is_npy_read_without_pickle(pets, kept):
    got = load(pets, valid=0)
    (where,) = kept.iterdir()
    stored = np.load(where / "train_images.npy", allow_pickle=False)
    assert stored.dtype == np.uint8 and len(stored) == len(got.train.labels) + len(got.test.labels)
    assert sorted(p.name for p in where.iterdir()) == ["about.json", "train_images.npy", "train_labels.npy"]


def flip_a_byte(where):
    content = bytearray((where / "train_images.npy").read_bytes())
    content[-5] ^= 1
    (where / "train_images.npy").write_bytes(content)


def pickle_instead(where):
    np.save(where / "train_images.npy", np.array([{}, 1], dtype=object), allow_pickle=True)


def shorten(where):
    (where / "train_images.npy").write_bytes((where / "train_images.npy").read_bytes()[:200])


DAMAGE = {
    "a flipped bit": flip_a_byte,
    "a pickle": pickle_instead,
    "a file cut short": shorten,
    "a missing file": lambda where: (where / "train_labels.npy").unlink(),
    "no facts": lambda where: (where / "about.json").write_text("{}"),
    "broken facts": lambda where: (where / "about.json").write_text('{"stamp": '),
    "an emptied folder": lambda where: [file.unlink() for file in where.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_rebuilt(pets, builds, kept, damage):
    first = load(pets)
    DAMAGE[damage](next(kept.iterdir()))
    assert same(first, load(pets)) and len(builds) == 2
    assert same(first, load(pets)) and len(builds) == 2
    assert len(list(kept.iterdir())) == 1


def test_a_changed_source_is_read_again_and_replaces_the_old_cache(pets, builds, kept):
    load(pets)
    Image.new("RGB", (8, 8), "white").save(pets / "cat" / "new.png")
    assert len(load(pets, valid=0).train.labels) + len(load(pets).test.labels) == 21
    assert len(builds) == 2 and len(list(kept.iterdir())) == 1


def test_a_touched_file_is_read_again(pets, builds):
    load(pets)
    os.utime(pets / "cat" / "0.png", ns=(1, 1))
    load(pets)
    assert len(builds) == 2


def test_each_size_has_its_own_cache(pets, builds, kept):
    for size in (None, 4, 4, (4, 4), (4, 5)):
        load(pets, size=size)
    assert len(builds) == 3 and len(list(kept.iterdir())) == 3


def test_where_nothing_can_be_written_one_warning_is_given_and_the_images_are_there(pets, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "file" / "below"))
    with pytest.warns(UserWarning, match="could not be kept in .* Set CNNLAB_CACHE to a folder with room"):
        first = load(pets)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(first, load(pets))


def test_a_full_disk_leaves_nothing_behind(pets, monkeypatch, kept):
    def full(file, array, **_):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        load(pets)
    assert list(kept.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(pets, monkeypatch, kept):
    def interrupted(file, array, **_):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(pets)
    assert list(kept.iterdir()) == []


HALF = """
import sys, time
import numpy as np
from cnnlab import data
save = np.save
def slow(file, array, **options):
    save(file, array, **options)
    print("half", flush=True)
    time.sleep(60)
np.save = slow
data.load(sys.argv[1] + "/", progress=False)
"""


def run(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def test_a_killed_process_leaves_no_cache_and_the_next_writer_cleans_up(pets, builds, kept):
    def parts():
        return [path.name.startswith(".partial-") for path in sorted(kept.iterdir())]

    with run(HALF, pets) as process:
        assert process.stdout.readline() == "half\n"
        load(pets, size=4)
        assert parts() == [True, False]  # a writer at work is left in peace
        process.send_signal(signal.SIGKILL)
    assert parts() == [True, False]
    load(pets)
    assert len(builds) == 2 and parts() == [False, False]


def test_a_forgotten_part_of_another_machine_is_swept_after_a_day(pets, kept):
    for name in ("old", "new"):
        (kept / f".partial-elsewhere-1-{name}").mkdir(parents=True)
    os.utime(kept / ".partial-elsewhere-1-old", (time.time() - 2 * cache.DAY,) * 2)
    load(pets)
    assert [path.name for path in kept.glob(".partial-*")] == [".partial-elsewhere-1-new"]


RACE = """
import sys, zlib
from cnnlab import data
for _ in range(6):
    loaded = data.load(sys.argv[1] + "/", progress=False)
    print(zlib.crc32(loaded.train.images.numpy()))
    for file in data.folder.cache.folder().glob("*/about.json"):
        file.unlink(missing_ok=True)
"""


def test_processes_that_write_at_once_all_get_the_right_images(pets, kept):
    processes = [run(RACE, pets) for _ in range(2)]
    seen = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(set(sum(seen, []))) == 1 and [len(numbers) for numbers in seen] == [6, 6]
    assert list(kept.glob(".partial-*")) == []


@pytest.mark.parametrize(
    ("platform", "variable", "value", "want"),
    [
        ("linux", "XDG_CACHE_HOME", "/x", "/x/cnnlab"),
        ("linux", "HOME", "/home/me", "/home/me/.cache/cnnlab"),
        ("darwin", "HOME", "/Users/me", "/Users/me/Library/Caches/cnnlab"),
        ("win32", "LOCALAPPDATA", "/local", "/local/cnnlab"),
    ],
)
def test_the_cache_lies_where_the_platform_keeps_caches(monkeypatch, platform, variable, value, want):
    for name in ("CNNLAB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, value)
    assert cache.folder().as_posix() == want
