import pytest
import torch
from torch import nn

from cnnlab.techniques.invariance import GROUPS, GroupAverage, dihedral, mirror, random_transform, transforms

pytestmark = pytest.mark.rows("P07")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Counting(nn.Module):
    """A net that sees every pixel with a weight of its own, and counts its forward passes."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(2, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 5))
        self.passes = 0

    def forward(self, x):
        self.passes += 1
        return self.net(x)


@pytest.mark.parametrize(("group", "passes"), [("mirror", 2), ("quarter_turns", 4), ("dihedral", 8)])
def test_the_average_over_a_group_is_invariant_under_it(group, passes):
    torch.manual_seed(0)
    model, images = Counting(), torch.randn(3, 2, 8, 8, generator=seeded())
    average = GroupAverage(model, group)
    want = average(images)
    assert model.passes == passes
    for each in transforms(group)(images):
        assert (average(each) - want).abs().max() < 1e-5
    assert (model(images.flip(-1)) - model(images)).abs().max() > 1e-2


def test_the_mirror_average_is_not_invariant_under_turns():
    torch.manual_seed(0)
    average, images = GroupAverage(Counting(), "mirror"), torch.randn(3, 2, 8, 8, generator=seeded())
    assert (average(images.rot90(1, (-2, -1))) - average(images)).abs().max() > 1e-2


def test_the_average_is_the_mean_of_the_eight_outputs():
    model, image = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), torch.randn(1, 1, 4, 4, generator=seeded())
    eight = [model(image.rot90(k, (2, 3))) for k in range(4)]
    eight += [model(image.transpose(2, 3).rot90(k, (2, 3))) for k in range(4)]
    torch.testing.assert_close(GroupAverage(model)(image), sum(eight) / 8)


def test_the_mirror_exchanges_left_and_right():
    from torchvision.transforms.v2.functional import horizontal_flip

    images = torch.randn(2, 3, 4, 5, generator=seeded())
    one, other = mirror(images)
    assert torch.equal(one, images) and torch.equal(other, horizontal_flip(images))


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_group_is_closed(group):
    image = torch.randn(1, 3, 3, generator=seeded())
    elements = torch.stack(transforms(group)(image)).flatten(1)
    assert len(elements.unique(dim=0)) == len(elements)
    for each in transforms(group)(image):
        again = torch.stack(transforms(group)(each)).flatten(1)
        assert torch.equal(again.unique(dim=0), elements.unique(dim=0))


def test_images_are_drawn_one_by_one_and_uniformly():
    """χ² over the eight symmetries; 22.0 is the 0.25 % point of 7 degrees of freedom."""
    image, n = torch.randn(1, 1, 4, 4, generator=seeded()), 8000
    drawn = random_transform(image.expand(n, -1, -1, -1), generator=seeded(1)).flatten(1)
    eight = torch.stack(dihedral(image)).flatten(1)
    counts = (drawn[:, None] == eight).all(-1).sum(0)
    assert counts.sum() == n
    assert ((counts - n / 8).square() / (n / 8)).sum() < 22.0


def test_an_unknown_group_lists_the_choices():
    with pytest.raises(ValueError, match='"circle" is unknown; choose one of: dihedral, mirror, quarter_turns'):
        GroupAverage(nn.Identity(), "circle")
