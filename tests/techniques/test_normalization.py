import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import normalization as N

SHAPE = (6, 8, 5, 7)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return 3 * x + torch.arange(shape[1], dtype=torch.float64).view(-1, *[1] * (len(shape) - 2))


@pytest.mark.rows("P09", "N01")
@pytest.mark.parametrize("eps", [1e-5, 1.0])
def test_after_batch_norm_the_mean_is_zero_and_the_variance_what_eps_leaves(eps):
    x = draw(*SHAPE)
    y = N.batch_norm(x, eps=eps)
    variance = x.var(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(y.mean(dim=(0, 2, 3)), torch.zeros(8, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(y.var(dim=(0, 2, 3), correction=0), variance / (variance + eps))


@pytest.mark.rows("P09", "N01")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (N.batch_norm, lambda x: F.batch_norm(x, None, None, training=True)),
        (N.layer_norm, lambda x: F.layer_norm(x, x.shape[1:])),
        (N.instance_norm, F.instance_norm),
        (lambda x: N.group_norm(x, 4), lambda x: F.group_norm(x, 4)),
        (lambda x: N.group_norm(x, 1), lambda x: F.layer_norm(x, x.shape[1:])),
        (lambda x: N.group_norm(x, 8), F.instance_norm),
    ],
    ids=["batch", "layer", "instance", "group", "one_group", "a_group_a_channel"],
)
def test_formulas_agree_with_torch_in_value_and_gradient(ours, theirs):
    x, ahead = draw(*SHAPE).requires_grad_(), draw(*SHAPE, seed=1)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(*(torch.autograd.grad(f(x), x, ahead)[0] for f in (ours, theirs)))


@pytest.mark.rows("P09", "N01")
@pytest.mark.parametrize("shape", [SHAPE, (9, 8), (4, 8, 3)], ids=str)
def test_batch_norm_by_hand_is_that_of_torch(shape):
    theirs = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)](8, momentum=0.3).double()
    ours = N.BatchNorm(8, momentum=0.3).double()
    for module in (ours, theirs):
        module.weight.data, module.bias.data = torch.linspace(0.5, 2, 8).double(), torch.linspace(-1, 1, 8).double()
    for step in range(4):
        x, ahead = draw(*shape, seed=step).requires_grad_(), draw(*shape, seed=9)
        torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-5)
        found = [torch.autograd.grad(m(x), [x, m.weight, m.bias], ahead) for m in (ours, theirs)]
        torch.testing.assert_close(*found, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    x = draw(*shape, seed=5)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.rows("P09", "N01")
@pytest.mark.parametrize("channels", [64, 48])
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("batch", lambda x: F.batch_norm(x, None, None, training=True)),
        ("layer", lambda x: F.layer_norm(x, x.shape[1:])),
        ("group", lambda x: F.group_norm(x, {64: 32, 48: 16}[x.shape[1]])),  # the largest divisor that 32 has too
        ("instance", F.instance_norm),
    ],
    ids=["batch", "layer", "group", "instance"],
)
def test_a_row_of_the_table_normalizes_as_its_name_says_and_learns_a_scale_and_a_shift(name, theirs, channels):
    module, x = N.normalize(name, channels).double(), draw(3, channels, 4, 5)
    module.weight.data, module.bias.data = draw(1, channels)[0], draw(1, channels, seed=1)[0]
    want = theirs(x) * module.weight[:, None, None] + module.bias[:, None, None]
    torch.testing.assert_close(module(x), want)


@pytest.mark.rows("N01")
def test_the_scale_of_the_weights_before_batch_norm_does_not_matter():
    conv, x = nn.Conv2d(3, 8, 3, bias=False).double(), draw(4, 3, 9, 9)
    before = N.batch_norm(conv(x), eps=0)
    conv.weight.data *= 37
    torch.testing.assert_close(N.batch_norm(conv(x), eps=0), before)


@pytest.mark.rows("N06")
@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_local_response_norm_is_that_of_torch_which_divides_alpha_by_the_size(size):
    x, options = draw(3, 8, 4, 4), {"alpha": 0.3, "beta": 0.75, "k": 2.0}
    theirs = nn.LocalResponseNorm(size, **options)(x)
    torch.testing.assert_close(N.local_response_norm(x, size=size, **options, average=True), theirs, rtol=0, atol=1e-6)
    undivided = nn.LocalResponseNorm(size, **options | {"alpha": size * 0.3})(x)
    torch.testing.assert_close(N.local_response_norm(x, size=size, **options), undivided, rtol=0, atol=1e-6)


@pytest.mark.rows("N06")
def test_local_response_norm_is_the_sum_of_the_paper():
    x, n = draw(1, 8, 1, 1), 5
    y = N.local_response_norm(x, size=n, alpha=0.1, beta=0.75, k=2.0).flatten()
    a = x.flatten().tolist()
    for i in range(8):  # the formula of AlexNet, section 3.3
        total = sum(a[j] ** 2 for j in range(max(0, i - n // 2), min(7, i + n // 2) + 1))
        assert y[i].item() == pytest.approx(a[i] / (2.0 + 0.1 * total) ** 0.75)


@pytest.mark.rows("N06")
def test_the_table_has_the_constants_of_alexnet():
    x = draw(*SHAPE)
    torch.testing.assert_close(N.normalize("local_response", 8)(x), N.local_response_norm(x))


@pytest.mark.rows("N02")
@pytest.mark.parametrize("name", sorted(N.NORMALIZATIONS))
def test_before_and_after_have_the_same_parameters_and_another_order(name):
    blocks = {}
    for placement in ("before", "after"):
        torch.manual_seed(0)
        blocks[placement] = N.conv_block(3, 8, normalization=name, activation=nn.Tanh, placement=placement)
    before, after = blocks["before"], blocks["after"]
    assert [type(m) for m in before] == [type(after[i]) for i in (0, 2, 1)]
    assert sum(p.numel() for p in before.parameters()) == sum(p.numel() for p in after.parameters())
    x = draw(4, 3, 6, 6).float()
    z = before[0](x)
    torch.testing.assert_close(before(x), torch.tanh(before[1](z)))
    torch.testing.assert_close(after(x), after[2](torch.tanh(z)))
    assert torch.allclose(before(x), after(x)) == (name == "none")


@pytest.mark.rows("N05")
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_dropout_makes_the_variance_in_training_larger_by_one_over_the_kept_share(p):
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Dropout(p), nn.Linear(256, 256, bias=False)), torch.randn(4000, 256)
    assert N.variance_shift(model, x) == pytest.approx(1 / (1 - p), rel=0.02)
    assert model.training


@pytest.mark.rows("N05")
def test_without_dropout_nothing_shifts():
    assert N.variance_shift(nn.Linear(8, 8), torch.randn(50, 8)) == 1


@pytest.mark.rows("N05")
def test_the_shift_is_that_of_the_models_own_statistics_which_stay():
    model, x = nn.BatchNorm1d(4, affine=False), 3 * torch.randn(4000, 4, generator=torch.Generator().manual_seed(0))
    before = model.running_var.clone()
    assert N.variance_shift(model, x) == pytest.approx(1 / 9, rel=0.1)  # 1 in training, that of x in evaluation
    assert torch.equal(model.running_var, before) and model.num_batches_tracked == 0


@pytest.mark.rows("P09")
def test_one_loud_input_lowers_the_learning_rate_a_million_times_and_normalization_gives_it_back():
    x = torch.randn(2000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    loud = x * torch.tensor([1000.0, 1, 1, 1])
    rate = N.largest_stable_rate(x)
    assert rate / N.largest_stable_rate(loud) == pytest.approx(1e6, rel=0.15)
    assert N.largest_stable_rate(N.batch_norm(loud)) == pytest.approx(rate, rel=0.1)


@pytest.mark.rows("P09")
@pytest.mark.parametrize(("factor", "diverges"), [(0.98, False), (1.02, True)])
def test_gradient_descent_diverges_above_the_largest_stable_rate_only(factor, diverges):
    x = torch.randn(200, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    w, rate = torch.ones(4, dtype=torch.float64), factor * N.largest_stable_rate(x)
    for _ in range(500):
        w = w - rate * x.T @ (x @ w) / len(x)  # the gradient of half the mean squared error
    assert (w.norm() > 10).item() == diverges and (w.norm() < 0.1).item() != diverges


def test_a_batch_of_one_value_a_channel_has_no_variance():
    with pytest.raises(ValueError, match="in the batch must be at least 2, to have a variance; got 1"):
        N.BatchNorm(4)(torch.zeros(1, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: N.instance_norm(torch.zeros(3, 4)), r"dimensions to take the mean over; got \(3, 4\)"),
        (lambda: N.layer_norm(torch.zeros(3)), r"dimensions to take the mean over; got \(3,\)"),
        (lambda: N.group_norm(torch.zeros(3, 4), 0), "groups must be a divisor of the 4 channels; got 0"),
        (lambda: N.group_norm(torch.zeros(3, 4), -2), "groups must be a divisor of the 4 channels; got -2"),
        (lambda: N.BatchNorm(6)(torch.zeros(2, 1, 5, 5)), r"must be \(N, 6, ...\); got \(2, 1, 5, 5\)"),
        (lambda: N.BatchNorm(6).eval()(torch.zeros(6)), r"must be \(N, 6, ...\); got \(6,\)"),
    ],
    ids=["instance", "layer", "no_group", "negative_group", "one_channel", "one_dimension"],
)
def test_a_shape_that_does_not_fit_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_unknown_normalization_lists_the_choices():
    with pytest.raises(ValueError, match='normalization "bach" is unknown; choose one of: batch, group, instance'):
        N.normalize("bach", 4)
