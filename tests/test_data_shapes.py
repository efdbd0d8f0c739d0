"""`shapes`: known factors, the same bytes everywhere, and a difficulty that means something."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from cnnlab import data
from cnnlab.data import figures, shapes


def test_the_seed_alone_decides_the_pictures():
    first, same, other = (shapes.generate(60, seed=seed).images for seed in (4, 4, 5))
    assert torch.equal(first, same)
    assert not (first.flatten(1)[:, None] == other.flatten(1)[None]).all(2).any()


def test_the_global_generator_is_left_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    shapes.generate(10)
    assert torch.equal(state, torch.get_rng_state())


def test_the_first_pictures_do_not_depend_on_how_many_follow():
    few, many = shapes.generate(37), shapes.generate(300)
    assert torch.equal(few.images, many.images[:37]) and torch.equal(few.masks, many.masks[:37])
    assert all(torch.equal(few.factors[name], many.factors[name][:37]) for name in many.factors)


def test_every_ten_pictures_show_all_ten_figures():
    labels = shapes.generate(300).labels
    assert torch.equal(labels.view(-1, 10).sort(1).values, torch.arange(10).expand(30, 10))


def test_the_label_is_the_shape_factor():
    drawn = shapes.generate(50)
    assert torch.equal(drawn.labels, drawn.factors["shape"])
    assert {len(values) for values in drawn.factors.values()} == {50}


def test_factors_stay_in_their_ranges_and_fill_them():
    f = shapes.generate(2000, difficulty=1.0).factors
    for name, table in (("color", shapes.COLORS), ("texture", shapes.TEXTURES), ("background", shapes.BACKGROUNDS)):
        assert f[name].unique().tolist() == list(range(len(table)))
    assert f["clutter"].unique().tolist() == list(range(shapes.MAX_CLUTTER + 1))
    assert f["rotation"].abs().max() <= math.pi and f["rotation"].std() > 0.2
    assert (f["position"] - 16).abs().max() + 1 < 16 and f["scale"].min() > 4


@pytest.mark.parametrize("figure", ["circle", "ring", "square", "cross"])
def test_the_middle_of_a_symmetric_mask_is_the_position(figure):
    drawn = shapes.generate(100, difficulty=0)
    at = (torch.arange(32) + 0.5).double()
    for row in (drawn.labels == shapes.SHAPES.index(figure)).nonzero().flatten():
        mask = drawn.masks[row].double()
        center = torch.stack([(mask.sum(0) * at).sum(), (mask.sum(1) * at).sum()]) / mask.sum()
        assert (center - drawn.factors["position"][row]).abs().max() < 0.5


def test_the_area_of_a_circle_is_that_of_its_scale():
    drawn = shapes.generate(500, difficulty=0)
    circles = drawn.labels == shapes.SHAPES.index("circle")
    area = math.pi * (0.88 * drawn.factors["scale"][circles]) ** 2
    assert (drawn.masks[circles].sum((1, 2)) / area - 1).abs().max() < 0.05


def test_a_quarter_turn_turns_the_mask():
    scale, position = torch.full((1,), 11.0), torch.full((1, 2), 16.0)
    for figure in figures.FIGURES.values():
        masks = [
            figures.coverage(figure(*figures.local(position, torch.tensor([angle]), scale)), scale) > 0.5
            for angle in (0.0, math.pi / 2)
        ]
        assert (masks[0].rot90(-1, (1, 2)) != masks[1]).sum() <= 4  # clockwise, but for pixels cut in half


def test_plain_pictures_are_the_ink_color_inside_the_mask():
    drawn = shapes.generate(500, difficulty=0)
    solid = drawn.factors["texture"] == list(shapes.TEXTURES).index("solid")
    palette = torch.tensor(list(shapes.COLORS.values()))
    for row in solid.nonzero().flatten():
        inside = drawn.images[row][:, drawn.masks[row]].median(1).values / 255
        nearest = (palette - inside).abs().sum(1).argmin()
        assert nearest == drawn.factors["color"][row]


def test_noise_has_the_standard_deviation_of_its_factor(monkeypatch):
    gray = torch.full((1, 3, 32, 32), 0.5)
    monkeypatch.setattr(shapes, "_draw", lambda f, h: (gray.expand(len(f["shape"]), 3, 32, 32), f["shape"] > -1))
    drawn = shapes.generate(200, difficulty=1.0)
    measured = (drawn.images.double() / 255).flatten(1).std(1)
    assert (measured - drawn.factors["noise"]).abs().max() < 0.005


def test_clutter_in_front_is_cut_from_the_mask():
    drawn = shapes.generate(500, difficulty=1.0)
    plain = drawn.factors["clutter"] == 0
    circles = drawn.labels == shapes.SHAPES.index("circle")
    whole = math.pi * (0.88 * drawn.factors["scale"]) ** 2
    share = drawn.masks.sum((1, 2)) / whole
    assert (share[plain & circles] > 0.9).all() and share[~plain & circles].min() < 0.9


def test_train_and_test_pictures_are_different():
    loaded = data.load("shapes", images=200, valid=0, seed=0)
    assert torch.equal(loaded.train.images, shapes.generate(200, seed=0).images)
    assert not (loaded.train.images.flatten(1)[:, None] == loaded.test.images.flatten(1)[None]).all(2).any()


def test_difficulty_reaches_the_loaded_pictures():
    easy, hard = (data.load("shapes", images=100, valid=0, difficulty=d) for d in (0.0, 1.0))
    assert torch.equal(hard.train.images, shapes.generate(100, difficulty=1.0).images)
    assert not torch.equal(easy.train.images, hard.train.images) and "difficulty 1.0" in hard.provenance


@pytest.mark.parametrize("difficulty", [-0.1, 1.1, float("nan"), "hard", True])
def test_a_difficulty_out_of_range_is_refused(difficulty):
    with pytest.raises(ValueError, match=r"difficulty=.* is out of range; give a number from 0 \(plain\) to 1"):
        shapes.generate(10, difficulty=difficulty)


@pytest.mark.parametrize("n", [0, -5, 2.5, True])
def test_a_count_that_is_none_is_refused(n):
    with pytest.raises(ValueError, match="is not a count; give a whole number of at least 1"):
        data.load("shapes", images=n)


@pytest.mark.gpu
def test_a_graphics_card_draws_the_same_bytes():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    for difficulty in (0.0, 0.5, 1.0):
        here, there = (shapes.generate(2000, seed=1, difficulty=difficulty, device=d) for d in ("cpu", "cuda"))
        assert torch.equal(here.images, there.images.cpu()) and torch.equal(here.masks, there.masks.cpu())
        assert all(torch.equal(here.factors[name], there.factors[name].cpu()) for name in here.factors)


def convolutions() -> nn.Module:
    layers = []
    for before, after in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 10))


def accuracy_after(model: nn.Module, loaded: data.Dataset, *, epochs: int, lr: float, seed: int) -> float:
    """Test accuracy after SGD with Nesterov momentum 0.9, batches of 64, one-cycle learning rate."""
    model = model.to(memory_format=torch.channels_last)

    def scaled(images):
        pixels = (images / 255 - loaded.mean.view(-1, 1, 1)) / loaded.std.view(-1, 1, 1)
        return pixels.contiguous(memory_format=torch.channels_last)

    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=0.9, nesterov=True)
    steps = epochs * (len(loaded.train.labels) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        order = torch.randperm(len(loaded.train.labels), generator=generator)
        for rows in order[: len(order) // 64 * 64].split(64):
            optimizer.zero_grad()
            cross_entropy(model(scaled(loaded.train.images[rows])), loaded.train.labels[rows]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        hits = [model(scaled(x)).argmax(1) == y for x, y in zip(*(t.split(500) for t in loaded.test), strict=True)]
    return torch.cat(hits).double().mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_three_convolutions_learn_what_softmax_cannot(seed):
    torch.manual_seed(seed)
    usual, hardest = (data.load("shapes", images=10_000, valid=0, seed=seed, difficulty=d) for d in (0.5, 1.0))
    softmax = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    assert accuracy_after(softmax, usual, epochs=5, lr=0.005, seed=seed) < 0.6
    assert accuracy_after(convolutions(), usual, epochs=2, lr=0.05, seed=seed) > 0.9
    assert 0.5 < accuracy_after(convolutions(), hardest, epochs=2, lr=0.05, seed=seed) < 0.8
