import pytest
import torch
from model_oracles import hollow, parameters
from torch.nn import functional as F

from cnnlab.models.watermap import WaterMap

pytestmark = pytest.mark.rows("H20")
VARIANTS = [(long, dense) for long in (False, True) for dense in (False, True)]


def by_hand(width: int, in_channels: int, classes: int, long: bool, dense: bool) -> int:
    def pair(before, after):
        return 9 * before * after + 2 * after + 9 * (after + before * dense) * after + 2 * after

    w = [width * 2**level for level in range(4)]
    down = sum(pair(a, b) for a, b in zip([in_channels, *w], w, strict=False))
    up = sum(pair(w[level + 1] + w[level] * long, w[level]) for level in (2, 1, 0))
    return down + up + (width + 1) * classes


@pytest.mark.parametrize(("long", "dense"), VARIANTS)
@pytest.mark.parametrize(("size", "width"), [("paper", 64), ("32", 8)])
def test_each_variant_has_the_parameters_of_the_closed_form(size, width, long, dense):
    count = by_hand(width, 6, 3, long, dense)
    assert parameters(lambda: WaterMap(6, 3, size=size, long=long, dense=dense)) == count


def test_the_four_variants_differ():
    counts = {parameters(lambda v=v: WaterMap(long=v[0], dense=v[1])) for v in VARIANTS}
    assert counts == {7_011_650, 7_785_794, 10_109_954, 11_658_242}


@pytest.mark.parametrize(("long", "dense"), VARIANTS)
@pytest.mark.parametrize("size", [(8, 8), (31, 33), (45, 70)])
def test_the_output_has_the_size_of_the_input(size, long, dense):
    net = hollow(lambda: WaterMap(3, 2, size="32", long=long, dense=dense))
    assert net(torch.empty(2, 3, *size, device="meta")).shape == (2, 2, *size)


@pytest.mark.parametrize("long", [True, False])
def test_only_a_long_skip_brings_detail_past_the_bottom(long):
    """With the bottom silenced, what the decoder gives can depend on the image through the long skips alone."""
    torch.manual_seed(0)
    net = WaterMap(3, 2, size="32", long=long).eval()
    net.down[-1].register_forward_hook(lambda _module, _inputs, y: torch.zeros_like(y))
    with torch.no_grad():
        one, other = net(torch.randn(1, 3, 16, 16)), net(torch.randn(1, 3, 16, 16))
    assert torch.equal(one, other) != long


@pytest.mark.parametrize("dense", [True, False])
def test_only_a_dense_skip_brings_what_entered_to_the_second_convolution(dense):
    torch.manual_seed(0)
    pair = WaterMap(3, 2, size="32", dense=dense).eval().down[1]
    pair.first.register_forward_hook(lambda _module, _inputs, y: torch.zeros_like(y))
    with torch.no_grad():
        one, other = pair(torch.randn(1, 8, 6, 6)), pair(torch.randn(1, 8, 6, 6))
    assert torch.equal(one, other) != dense


def iou(net: WaterMap, images: torch.Tensor, water: torch.Tensor) -> float:
    found = net.eval()(images).argmax(1) == 1
    return ((found & water).sum() / (found | water).sum()).item()


def test_with_long_skips_narrow_water_is_mapped_better_than_without():
    generator = torch.Generator().manual_seed(0)
    coarse = F.interpolate(torch.randn(24, 1, 12, 12, generator=generator), size=(24, 24))[:, 0]
    water = coarse.abs() < 0.4  # patches of two pixels
    images = water[:, None] + 0.3 * torch.randn(24, 3, 24, 24, generator=generator)
    scores = {}
    for long in (True, False):
        torch.manual_seed(0)
        net = WaterMap(3, 2, size="32", long=long)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for _ in range(30):
            optimizer.zero_grad()
            F.cross_entropy(net(images[:16]), water[:16].long()).backward()
            optimizer.step()
        scores[long] = iou(net, images[16:], water[16:])
    assert scores[True] > scores[False] + 0.2, scores
