import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import batches as B


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def problem(n=96):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(36, 3)).double()
    return model, torch.randn(n, 2, 5, 5, dtype=torch.float64, generator=seeded()), torch.arange(n) % 3


@pytest.mark.rows("B01")
def test_rates_scale_with_the_batch_as_the_rule_says():
    assert B.scaled_rate(0.01, 1024) == pytest.approx(0.04)
    assert B.scaled_rate(0.01, 1024, rule="sqrt") == pytest.approx(0.02)
    assert B.scaled_rate(0.01, 1024, rule="fixed") == 0.01
    assert B.scaled_rate(0.1, 8192) == pytest.approx(3.2)  # Goyal et al.: 0.1 · kn / 256


@pytest.mark.rows("B01")
def test_the_noise_scale_is_zero_for_the_full_batch_and_kept_by_linear_scaling():
    assert B.noise_scale(0.1, 1000, images=1000) == 0
    assert B.noise_scale(0.1, 100, images=1000) == pytest.approx(0.9)
    scales = [B.noise_scale(B.scaled_rate(0.1, b), b, images=10**7) for b in (32, 256, 2048)]
    assert scales == pytest.approx([scales[0]] * 3, rel=1e-3)


@pytest.mark.rows("B01")
def test_the_gradients_of_images_are_those_of_a_loop_and_their_mean_is_that_of_the_batch():
    model, x, y = problem(6)
    gradients = B.sample_gradients(model, x, y)
    for row, image, label in zip(gradients, x, y, strict=True):
        one = torch.autograd.grad(F.cross_entropy(model(image[None]), label[None]), model.parameters())
        torch.testing.assert_close(row, torch.cat([g.flatten() for g in one]))
    full = torch.autograd.grad(F.cross_entropy(model(x), y), model.parameters())
    torch.testing.assert_close(gradients.mean(0), torch.cat([g.flatten() for g in full]))


@pytest.mark.rows("B01")
@pytest.mark.parametrize("seed", range(3))
def test_the_variance_of_a_gradient_falls_with_the_batch_at_slope_minus_one(seed):
    gradients = B.sample_gradients(*problem())
    sizes = torch.tensor([2, 4, 8, 16, 32, 64])
    generator = seeded(seed)
    variances = [B.gradient_variance(gradients, b, draws=600, generator=generator) for b in sizes.tolist()]
    assert B.log_slope(sizes.double(), torch.stack(variances)).item() == pytest.approx(-1, abs=0.05)


@pytest.mark.rows("B01")
def test_the_measured_variance_is_the_spread_of_the_images_over_the_batch():
    gradients = torch.randn(50, 7, dtype=torch.float64, generator=seeded())
    want = gradients.var(dim=0, correction=0).sum() / 8
    got = B.gradient_variance(gradients, 8, draws=20_000, generator=seeded())
    assert got.item() == pytest.approx(want.item(), rel=0.02)


@pytest.mark.rows("B01")
def test_the_noise_scale_is_that_of_batches_drawn_without_replacement():
    """All subsets of 7 gradients: the variance of their means, times N / S², is N / B - 1."""
    g = torch.randn(7, dtype=torch.float64, generator=seeded())
    for size in range(1, 8):
        means = torch.stack([g[list(each)].mean() for each in itertools.combinations(range(7), size)])
        noise = means.var(correction=0) * 7 / g.var()
        assert noise.item() == pytest.approx(B.noise_scale(1.0, size, images=7), abs=1e-12)


@pytest.mark.rows("B01")
@pytest.mark.parametrize("power", [-1.0, -0.5, 2.0])
def test_the_slope_of_a_power_law_is_its_power(power):
    x = torch.tensor([1.0, 3.0, 4.0, 50.0], dtype=torch.float64)
    assert B.log_slope(x, 7 * x**power).item() == pytest.approx(power)


@pytest.mark.rows("B02")
def test_the_band_of_the_loss_is_exact_over_all_batches():
    losses = torch.rand(9, dtype=torch.float64, generator=seeded())
    for size in range(1, 10):
        means = torch.stack([losses[list(each)].mean() for each in itertools.combinations(range(9), size)])
        assert B.loss_band(losses, size).item() == pytest.approx(means.std(correction=0).item(), abs=1e-12)


@pytest.mark.rows("B02")
def test_the_band_is_one_over_root_batch():
    losses = torch.rand(1_000_000, dtype=torch.float64, generator=seeded())
    sizes = torch.tensor([4.0, 16.0, 64.0, 256.0], dtype=torch.float64)
    bands = torch.stack([B.loss_band(losses, int(size)) for size in sizes])
    assert B.log_slope(sizes, bands).item() == pytest.approx(-0.5, abs=1e-3)
    drawn = losses[torch.randint(len(losses), (5000, 64), generator=seeded())].mean(1).std()
    assert drawn.item() == pytest.approx(bands[2].item(), rel=0.03)


@pytest.mark.rows("B02")
def test_the_batch_for_a_band_is_the_smallest_that_keeps_it():
    losses = torch.rand(5000, dtype=torch.float64, generator=seeded())
    for width in (0.1, 0.02, 0.005):
        size = B.batch_for_band(losses, width)
        assert B.loss_band(losses, size) <= width < B.loss_band(losses, size - 1)
    assert B.batch_for_band(torch.ones(5), 0.1) == 1  # equal losses have no band
    noisy, calm = B.batch_for_band(losses, 0.1), B.batch_for_band(losses, 0.05)
    assert calm == pytest.approx(4 * noisy, abs=4)


@pytest.mark.rows("L06")
@pytest.mark.parametrize("size", [96, 24, 7, 1])
def test_accumulated_micro_batches_give_the_gradient_of_the_full_batch(size):
    model, x, y = problem()
    full = F.cross_entropy(model(x), y)
    want = torch.autograd.grad(full, model.parameters())
    model.zero_grad()
    assert B.accumulate_gradients(model, x, y, size=size).item() == pytest.approx(full.item(), abs=1e-12)
    for p, g in zip(model.parameters(), want, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=0, atol=1e-12)


@pytest.mark.rows("L06")
def test_in_single_precision_too():
    model, x, y = problem()
    model, x = model.float(), x.float()
    want = torch.autograd.grad(F.cross_entropy(model(x), y), model.parameters())
    B.accumulate_gradients(model, x, y, size=12)
    for p, g in zip(model.parameters(), want, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=0, atol=1e-6)


@pytest.mark.rows("L06")
def test_batch_normalization_sees_the_micro_batches():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).double()
    x, y = torch.randn(24, 4, dtype=torch.float64, generator=seeded()), torch.arange(24) % 3
    want = torch.autograd.grad(F.cross_entropy(model(x), y), model.parameters())
    B.accumulate_gradients(model, x, y, size=4)
    assert max((p.grad - g).abs().max() for p, g in zip(model.parameters(), want, strict=True)) > 1e-3
    frozen = nn.Sequential(model[0], model[1].eval(), model[2], model[3])
    want = torch.autograd.grad(F.cross_entropy(frozen(x), y), model.parameters())
    model.zero_grad()
    B.accumulate_gradients(frozen, x, y, size=4)
    for p, g in zip(model.parameters(), want, strict=True):
        torch.testing.assert_close(p.grad, g)


@pytest.mark.rows("L06")
def test_the_gradient_of_a_sum_is_batch_times_that_of_the_mean():
    model, x, y = problem()
    B.accumulate_gradients(model, x, y, size=10)
    summed = torch.autograd.grad(F.cross_entropy(model(x), y, reduction="sum"), model.parameters())
    for p, g in zip(model.parameters(), summed, strict=True):
        torch.testing.assert_close(g, 96 * p.grad)
