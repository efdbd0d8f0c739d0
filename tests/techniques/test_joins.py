from functools import partial

import pytest
import torch
from scipy.stats import chisquare
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import joins as J
from cnnlab.techniques.normalization import BatchNorm


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def branches(k: int, *shape: int) -> list[torch.Tensor]:
    return [torch.randn(shape, dtype=torch.float64, generator=seeded(i)) for i in range(k)]


@pytest.mark.rows("P12")
@pytest.mark.parametrize("k", [2, 4, 9])
def test_a_sum_multiplies_the_variance_by_the_branches_and_a_mean_divides_it(k):
    xs = branches(k, 200_000)
    assert J.summed(xs).var() == pytest.approx(k, rel=0.02)
    assert J.mean(xs).var() == pytest.approx(1 / k, rel=0.02)


@pytest.mark.rows("P12")
def test_joins_agree_with_torch_element_by_element():
    a, b, c = branches(3, 2, 4, 3, 3)
    torch.testing.assert_close(J.join("sum")([a, b, c]), a + b + c)
    torch.testing.assert_close(J.join("mean")([a, b, c]), (a + b + c) / 3)
    assert torch.equal(J.join("maxout")([a, b, c]), a.maximum(b).maximum(c))
    assert torch.equal(J.join("concatenate")([a, b[:, :1]]), torch.cat([a, b[:, :1]], 1))


@pytest.mark.rows("P12")
def test_dropping_branches_leaves_the_scale_of_a_mean_and_lowers_that_of_a_sum():
    xs = [x + 3 for x in branches(4, 50_000)]
    live = torch.tensor([True, False, True, False])
    assert J.masked_mean(xs, live).mean() == pytest.approx(J.mean(xs).mean().item(), rel=0.01)
    dropped = J.summed([x * alive for x, alive in zip(xs, live, strict=True)])
    assert dropped.mean() == pytest.approx(J.summed(xs).mean().item() / 2, rel=0.01)


@pytest.mark.rows("P12")
def test_the_masked_mean_is_taken_sample_by_sample():
    xs = branches(3, 4, 2, 3, 3)
    live = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]], dtype=torch.bool)
    got = J.masked_mean(xs, live)
    for n in range(4):
        alive = [x[n] for x, each in zip(xs, live, strict=True) if each[n]]
        torch.testing.assert_close(got[n], sum(alive) / len(alive), rtol=0, atol=1e-12)


@pytest.mark.rows("P12")
def test_an_infinite_branch_that_is_dropped_does_no_harm():
    xs = [torch.ones(2, 3), torch.full((2, 3), torch.inf)]
    assert torch.equal(J.masked_mean(xs, torch.tensor([True, False])), xs[0])


@pytest.mark.rows("P12")
def test_where_all_are_dropped_one_drawn_evenly_comes_back():
    live = torch.zeros(3, 6000, dtype=torch.bool)
    live[0, :10] = live[1, :5] = True
    back = J.resurrect(live, generator=seeded())
    assert torch.equal(back[:, :10], live[:, :10])  # the living are left alone
    assert (back[:, 10:].sum(0) == 1).all()
    assert chisquare(back[:, 10:].sum(1)).pvalue > 0.01
    xs = branches(3, 6000, 2)
    alone = torch.stack(xs)[back[:, 10:].int().argmax(0), torch.arange(10, 6000)]
    torch.testing.assert_close(J.masked_mean(xs, back)[10:], alone, rtol=0, atol=1e-6)


@pytest.mark.rows("P12")
@pytest.mark.parametrize(("join", "want"), [(J.summed, 5.0), (J.mean, 2.5), (J.largest, 4.0)])
def test_parallel_branches_see_the_same_input(join, want):
    class Times(nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, x):
            return self.factor * x

    assert J.Parallel([Times(1), Times(4)], join)(torch.ones(1)).item() == want


@pytest.mark.rows("P12")
def test_a_join_without_a_name_is_shown_as_it_is():
    assert "join=functools.partial(<function largest" in repr(J.Parallel([nn.ReLU()], partial(J.largest)))


def residual_net(depth: int = 3, channels: int = 4) -> nn.Sequential:
    def branch():
        first, second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        return nn.Sequential(first, nn.BatchNorm2d(channels), nn.ReLU(), second, nn.BatchNorm2d(channels))

    return nn.Sequential(*(J.Residual(branch()) for _ in range(depth)))


@pytest.mark.rows("P08")
@pytest.mark.parametrize("training", [True, False])
def test_a_residual_net_with_zero_gamma_is_the_identity_to_the_bit(training):
    torch.manual_seed(0)
    net, x = residual_net().train(training), torch.randn(8, 4, 6, 6, generator=seeded())
    assert not torch.equal(net(x), x)
    assert J.zero_gamma_(net) is net
    assert torch.equal(net(x), x)
    assert all((block.branch[1].weight == 1).all() for block in net)  # only the last normalization


@pytest.mark.rows("P08")
@pytest.mark.parametrize("make", [BatchNorm, partial(nn.InstanceNorm2d, affine=True)], ids=["ours", "instance"])
def test_zero_gamma_finds_every_normalization_with_a_scale(make):
    norm = make(4)
    J.zero_gamma_(J.Residual(nn.Sequential(nn.Conv2d(4, 4, 1), norm)))
    assert (norm.weight == 0).all()


@pytest.mark.rows("P08")
def test_a_residual_block_adds_its_branch_to_its_shortcut():
    branch, shortcut, x = nn.Conv2d(3, 5, 1), nn.Conv2d(3, 5, 1), torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(J.Residual(branch, shortcut)(x), branch(x) + shortcut(x))


@pytest.mark.rows("P13")
@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
def test_option_a_has_no_parameters_and_is_slicing_and_padding(size):
    x, shortcut = torch.randn(2, 3, *size, generator=seeded()), J.PaddedShortcut(6)
    sliced = x[:, :, ::2, ::2]
    assert torch.equal(shortcut(x), torch.cat([sliced, torch.zeros_like(sliced)], 1))
    assert list(shortcut.parameters()) == []


def resnet20(shortcut: str) -> nn.Sequential:
    """ResNet-20 for CIFAR-10 by He et al., with the named transition where the size halves."""

    def block(before: int, after: int) -> nn.Module:
        halves = before != after
        first = nn.Conv2d(before, after, 3, stride=1 + halves, padding=1, bias=False)
        second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        branch = nn.Sequential(first, nn.BatchNorm2d(after), nn.ReLU(), second, nn.BatchNorm2d(after))
        return J.Residual(branch, J.transition(shortcut, before, after) if halves else None)

    widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
    blocks = [block(before, after) for before, after in zip(widths, widths[1:], strict=False)]
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


@pytest.mark.rows("P13")
@pytest.mark.parametrize(("option", "count"), [("padded", 269_722), ("projected", 272_474)])
def test_resnet20_has_the_published_parameters_with_option_a_and_b(option, count):
    with torch.device("meta"):
        net = resnet20(option)
        assert sum(p.numel() for p in net.parameters()) == count
        assert net(torch.empty(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.rows("P13")
@pytest.mark.parametrize("name", sorted(J.TRANSITIONS))
def test_a_transition_doubles_the_channels_and_halves_the_size(name):
    assert J.transition(name, 6, 12)(torch.randn(2, 6, 16, 10)).shape == (2, 12, 8, 5)


@pytest.mark.rows("P13")
def test_a_strided_transition_sees_the_3x3_pixels_around_every_second_one():
    x, transition = torch.randn(2, 6, 16, 10, generator=seeded()), J.transition("strided", 6, 12)
    neighbors = F.unfold(x, 3, padding=1, stride=2).transpose(1, 2)
    want = neighbors @ transition.weight.view(12, 54).T + transition.bias
    torch.testing.assert_close(transition(x), want.transpose(1, 2).view(2, 12, 8, 5))


@pytest.mark.rows("P13")
def test_a_projection_is_a_matrix_at_every_second_pixel_standardized_over_the_batch():
    x, transition = torch.randn(4, 6, 16, 10, generator=seeded()), J.transition("projected", 6, 12)
    rows = x[:, :, ::2, ::2].movedim(1, -1) @ transition[0].weight.view(12, 6).T
    std, mean = torch.std_mean(rows, (0, 1, 2), correction=0)
    torch.testing.assert_close(transition(x), ((rows - mean) / std).movedim(-1, 1), atol=1e-3, rtol=1e-3)


@pytest.mark.rows("P13")
def test_pool_concat_is_a_pool_beside_a_strided_convolution():
    x, transition = torch.randn(2, 6, 16, 10), J.PoolConcat(6, 16)
    y = transition(x)
    assert torch.equal(y[:, :6], F.max_pool2d(x, 3, stride=2, padding=1))
    torch.testing.assert_close(y[:, 6:], F.conv2d(x, transition.conv.weight, transition.conv.bias, 2, 1))


def test_unknown_names_list_the_choices():
    with pytest.raises(ValueError, match='join "add" is unknown; choose one of: concatenate, maxout, mean, sum'):
        J.join("add")
    with pytest.raises(ValueError, match='transition "b" is unknown; choose one of: padded, pool_concat, projected'):
        J.transition("b", 3, 6)
