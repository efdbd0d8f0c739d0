import pytest
import torch
from torch import nn

from cnnlab.techniques.dropout import (
    difficulty_gap,
    dropout,
    effective_width,
    pixel_dropout,
    rate_for,
    variance_after_dropout,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.rows("R05", "P06", "R10")
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_keeps_the_mean_and_adds_the_variance_of_the_formula(p):
    x = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    y = dropout(x.expand(200_000, 3), p, generator=seeded())
    torch.testing.assert_close(y.mean(0), x, atol=0, rtol=0.015)
    torch.testing.assert_close(y.var(0), variance_after_dropout(x, p), atol=0, rtol=0.02)


@pytest.mark.rows("R05")
def test_dropout_is_torchs_in_its_values_and_its_rate():
    x = torch.randn(100_000, generator=seeded())
    torch.manual_seed(0)
    ours, theirs = dropout(x, 0.3, generator=seeded(1)), nn.functional.dropout(x, 0.3)
    for y in (ours, theirs):
        torch.testing.assert_close(y[y != 0], x[y != 0] / 0.7)
    assert (ours == 0).double().mean().item() == pytest.approx((theirs == 0).double().mean().item(), abs=0.01)


@pytest.mark.rows("R05")
def test_a_softmax_layer_in_use_is_the_geometric_mean_of_its_thinned_networks():
    generator = seeded(3)
    x = torch.randn(10, dtype=torch.float64, generator=generator)
    weight = torch.randn(4, 10, dtype=torch.float64, generator=generator)
    thinned = torch.log_softmax(dropout(x.expand(400_000, 10), 0.5, generator=generator) @ weight.T, dim=1)
    torch.testing.assert_close(torch.softmax(thinned.mean(0), 0), torch.softmax(weight @ x, 0), atol=0.01, rtol=0)


@pytest.mark.rows("R10")
def test_pixel_dropout_takes_a_pixel_from_all_channels():
    y = pixel_dropout(torch.ones(50, 3, 20, 20), 0.1, generator=seeded())
    assert torch.equal(y[:, 0], y[:, 1]) and torch.equal(y[:, 0], y[:, 2])
    assert (y == 0).double().mean().item() == pytest.approx(0.1, abs=0.01)
    assert y.max().item() == pytest.approx(1 / 0.9)


@pytest.mark.rows("R06")
@pytest.mark.parametrize(("width", "p", "effective"), [(2048, 0.3, 1433.6), (4096, 0.65, 1433.6), (1433, 0, 1433)])
def test_the_published_widths_are_of_equal_effect(width, p, effective):
    assert effective_width(width, p) == pytest.approx(effective)
    assert rate_for(width, effective) == pytest.approx(p)


@pytest.mark.rows("P06")
def test_training_is_harder_than_use_by_what_dropout_costs():
    torch.manual_seed(0)
    x, labels, head = torch.eye(4).repeat(4000, 1), torch.arange(4).repeat(4000), nn.Linear(4, 4, bias=False)
    head.weight.data.copy_(torch.eye(4))
    # In training 40 % of the ones are dropped; the network then says class 0, which is right for one in four.
    assert difficulty_gap(nn.Sequential(nn.Dropout(0.4), head), x, labels) == pytest.approx(0.4 * 0.75, abs=0.015)
    assert difficulty_gap(head, x, labels) == 0


@pytest.mark.rows("P06")
def test_measuring_the_gap_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 4)).train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    difficulty_gap(model, 5 + torch.randn(64, 4, generator=seeded()), torch.zeros(64, dtype=torch.long))
    assert model.training and all(torch.equal(state[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dropout(torch.ones(1), 1.0), "p must be at least 0 and below 1; got 1.0"),
        (lambda: pixel_dropout(torch.ones(3, 3)), r"x must be a batch of images \(N, C, H, W\); got \(3, 3\)"),
        (lambda: variance_after_dropout(torch.ones(1), -1), "p must be at least 0"),
        (lambda: effective_width(5, 2), "p must be at least 0"),
        (lambda: rate_for(5, 6), "effective must be above 0 and at most width=5; got 6"),
    ],
)
def test_a_bad_argument_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
