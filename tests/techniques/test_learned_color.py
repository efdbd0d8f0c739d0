"""The mini-networks of the benchmark: their sizes, and where they start."""

import pytest
import torch
from torch.nn import functional as F

from cnnlab.techniques.learned_color import LearnedColor, LogColor, learned_color

pytestmark = pytest.mark.rows("Q06")


def colors() -> torch.Tensor:
    return torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("A", 3 * 10 + 10 + 10 * 3 + 3),
        ("B", 3 * 3 + 3 + 3 * 3 + 3),
        ("C", 73),
        ("D", 6 * 10 + 10 + 10 * 3 + 3),
        ("E", 3 * 16 + 16 + 16 * 3 + 3),
        ("F", 73),
        ("maxout", 3 * 20 + 20 + 10 * 6 + 6),
    ],
)
def test_a_variant_has_the_parameters_of_its_two_convolutions(name, parameters):
    assert sum(p.numel() for p in learned_color(name).parameters()) == parameters


def test_the_residual_variant_starts_as_the_identity():
    assert torch.equal(learned_color("C")(colors()), colors())


def test_the_residual_variant_learns_at_once():
    net = learned_color("C")
    net(colors()).square().sum().backward()
    assert net.out.weight.grad.any()


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("A", torch.tanh),
        ("B", lambda z: torch.maximum(z, z / 3)),
        ("E", lambda z: torch.maximum(z, z / 3)),
        ("F", lambda z: torch.maximum(z, z / 3)),
        ("maxout", lambda z: torch.maximum(z[..., ::2], z[..., 1::2])),
    ],
)
def test_a_variant_is_two_matrices_at_each_pixel(name, function):
    net = learned_color(name)
    pixels = colors().permute(0, 2, 3, 1)
    for layer in (net.into, net.out):
        pixels = function(F.linear(pixels, layer.weight[:, :, 0, 0], layer.bias))
    torch.testing.assert_close(net(colors()), pixels.permute(0, 3, 1, 2))


def test_colors_and_their_logarithms_enter_standardized():
    net, raw = LogColor(), torch.randint(256, (4, 3, 8, 8), generator=torch.Generator().manual_seed(0)).float()
    both = torch.cat([raw, (1 + raw).log()], 1)
    std, mean = torch.std_mean(both, (0, 2, 3), correction=0, keepdim=True)
    torch.testing.assert_close(net(raw), net.color((both - mean) / std), atol=1e-4, rtol=1e-4)


def test_a_color_space_sees_one_pixel_at_a_time():
    net, one = LearnedColor(), colors()
    other = one.clone()
    other[..., 2, 3] += 1
    changed = (net(one) != net(other)).any(1)
    assert changed.sum() == 2 and changed[:, 2, 3].all()


def test_an_unknown_variant_lists_the_choices():
    with pytest.raises(ValueError, match='learned color space "G" is unknown; choose one of: A, B, C, D, E, F, maxout'):
        learned_color("G")
