import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.lending import mode
from cnnlab.techniques import initialization as I
from cnnlab.techniques.activations import ACTIVATIONS, activation

SHAPES = [(32, 16, 3, 3), (16, 32, 3, 3), (10, 64), (64, 10), (8, 1, 5, 5), (6, 4, 3), (4, 3, 2, 2, 2)]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def chain(name: str, depth: int, act: str = "relu", n: int = 512) -> torch.Tensor:
    """Mean squares of the activations of a chain of n x n layers, input first, in float64."""
    generator, h = seeded(), torch.randn(256, n, dtype=torch.float64, generator=seeded(1))
    squares = [h.square().mean()]
    for _ in range(depth):
        weight = I.INITIALIZATIONS[name](torch.empty(n, n, dtype=torch.float64), generator=generator)
        h = activation(act)(h @ weight.T)
        squares.append(h.square().mean())
    return torch.stack(squares)


@pytest.mark.rows("I03")
@pytest.mark.parametrize("shape", SHAPES)
def test_fans_agree_with_torch(shape):
    assert I.fans(torch.empty(shape)) == nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


@pytest.mark.rows("I03")
def test_grouped_fan_in_is_what_one_output_sums():
    conv = nn.Conv2d(12, 24, 3, groups=4)
    assert I.fans(conv.weight)[0] == 12 // 4 * 9


@pytest.mark.rows("I02", "I03", "I04", "I05")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (I.he_, lambda w, g: nn.init.kaiming_normal_(w, nonlinearity="relu", generator=g)),
        (I.xavier_, lambda w, g: nn.init.xavier_normal_(w, generator=g)),
        (I.orthogonal_, lambda w, g: nn.init.orthogonal_(w, generator=g)),
        (I.normal_, lambda w, g: nn.init.normal_(w, std=0.01, generator=g)),
    ],
)
def test_rules_agree_with_torch_draw_for_draw(ours, theirs, shape):
    torch.testing.assert_close(ours(torch.empty(shape), generator=seeded()), theirs(torch.empty(shape), seeded()))


@pytest.mark.rows("I04", "A04")
def test_he_counts_the_slope_of_a_leaky_relu():
    ours = I.he_(torch.empty(64, 64), slope=1 / 3, generator=seeded())
    theirs = nn.init.kaiming_normal_(torch.empty(64, 64), a=1 / 3, nonlinearity="leaky_relu", generator=seeded())
    torch.testing.assert_close(ours, theirs)


@pytest.mark.rows("I05")
@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(shape):
    flat = I.orthogonal_(torch.empty(shape, dtype=torch.float64), gain=1.5).flatten(1)
    gram = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    torch.testing.assert_close(gram, 1.5**2 * torch.eye(len(gram), dtype=torch.float64))


@pytest.mark.rows("I04")
def test_he_keeps_the_mean_square_through_fifty_relu_layers():
    assert 0.5 < chain("he", 50)[-1] < 2


@pytest.mark.rows("I03")
def test_xavier_halves_the_mean_square_in_each_relu_layer():
    squares = chain("xavier", 50)
    per_layer = (squares[-1] / squares[0]) ** (1 / 50)
    assert per_layer == pytest.approx(0.5, rel=0.01)  # 2^-50 after fifty layers


@pytest.mark.rows("I02")
def test_small_normal_gains_what_the_closed_form_says():
    squares = chain("normal", 17, n=1152)
    per_layer = (squares[-1] / squares[0]) ** (1 / 34)  # root mean square
    assert per_layer == pytest.approx(math.sqrt(1152 / 2) * 0.01, rel=0.02)


@pytest.mark.rows("I05")
def test_orthogonal_keeps_the_norm_of_a_linear_chain_exactly():
    squares = chain("orthogonal", 50, "identity")
    torch.testing.assert_close(squares, squares[:1].expand(51))


@pytest.mark.rows("T06", "I01")
def test_zeros_train_only_the_last_bias():
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    I.initialize(model, "zeros")
    loss = F.cross_entropy(model(torch.randn(32, 8)), torch.randint(3, (32,), generator=seeded()))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(3))
    assert all(not p.grad.any() for name, p in model.named_parameters() if name != "2.bias")
    assert model[2].bias.grad.any()


@pytest.mark.rows("T06")
def test_equal_units_stay_equal():
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(20):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.randn(32, 8, generator=seeded(step))), torch.arange(32) % 3).backward()
        optimizer.step()
    assert torch.linalg.matrix_rank(model[0].weight, rtol=1e-4) == 1
    assert (model[0].weight - 0.1).abs().max() > 0.01


def net(act: str = "relu") -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), activation(act), nn.BatchNorm2d(12), nn.Dropout(),
        nn.Sequential(nn.Conv2d(12, 8, 3, stride=2), nn.PReLU()), nn.Flatten(), nn.LazyLinear(16), nn.Linear(16, 10),
    )  # fmt: skip


def built() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    images = torch.randn(128, 3, 9, 9)
    model = net()
    model(images)
    model[2].reset_running_stats()
    return model, images


def variances(model: nn.Module, images: torch.Tensor) -> list[float]:
    from cnnlab.probes import outputs

    with mode(model, training=False), torch.no_grad(), outputs(model) as caught:
        model(images)
    return [z.var(correction=0).item() for z in caught.values()]


@pytest.mark.rows("I06")
def test_lsuv_gives_unit_variance():
    model, images = built()
    I.initialize(model, "lsuv", images, generator=seeded())
    assert variances(model, images) == pytest.approx([1] * 4, abs=0.02)


@pytest.mark.rows("I06")
def test_lsuv_needs_one_division_a_layer():
    model, images = built()
    I.initialize(model, "orthogonal", generator=seeded())
    I.lsuv_(model, images, tries=1)
    assert variances(model, images) == pytest.approx([1] * 4, abs=1e-3)


@pytest.mark.rows("I06")
def test_lsuv_cancels_the_scale_it_starts_from():
    first, second = (built() for _ in range(2))
    for (model, images), gain in ((first, 1.0), (second, 37.0)):
        I.initialize(model, "lsuv", images, gain=gain, generator=seeded())
    for one, other in zip(first[0].parameters(), second[0].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0.03, atol=1e-6)


@pytest.mark.rows("I06")
def test_lsuv_agrees_with_the_published_package():
    import lsuv

    ours, images = built()
    theirs, _ = built()
    I.initialize(ours, "lsuv", images, generator=seeded())
    lsuv.lsuv_with_singlebatch(theirs.eval(), images, device="cpu", verbose=False)
    # The package stops once the deviation, not the variance, is within 0.1 of one.
    assert variances(theirs, images) == pytest.approx(variances(ours, images), abs=0.21)


@pytest.mark.rows("I06")
def test_lsuv_leaves_everything_but_the_weights_as_it_was():
    model, images = built()
    model.train()
    model[3].eval()
    before, copy = {k: v.clone() for k, v in model.state_dict().items()}, images.clone()
    I.lsuv_(model, images)
    after = model.state_dict()
    kept = [k for k in before if not (k.endswith("weight") and before[k].ndim > 1)]
    assert kept and all(torch.equal(before[k], after[k]) for k in kept)
    assert torch.equal(images, copy)
    assert model[0].training and not model[3].training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@pytest.mark.rows("I06")
def test_lsuv_visits_layers_in_the_order_of_use_not_of_registration():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first = nn.Linear(8, 4), nn.Linear(8, 8)

        def forward(self, x):
            return self.last(torch.relu(self.first(x)))

    model, x = Backwards(), torch.randn(256, 8, generator=seeded())
    I.initialize(model, "lsuv", x, generator=seeded())
    assert [layer for layer, _ in I._in_order_of_use(model, x)] == ["first", "last"]
    assert variances(model, x) == pytest.approx([1, 1], abs=0.02)


def test_lsuv_refuses_a_layer_that_gives_a_constant():
    model, images = built()
    I.initialize(model, "zeros")
    with pytest.raises(ValueError, match='that of layer "0" is 0.0. Start from random weights'):
        I.lsuv_(model, images)


def test_lsuv_says_where_a_bias_keeps_it_from_variance_one():
    model, images = built()
    nn.init.normal_(model[0].bias, std=3, generator=seeded())
    with pytest.raises(ValueError, match='could not bring layer "0" to variance 1 in 20 tries.*set it to zero first'):
        I.lsuv_(model, images)


def test_lsuv_without_images_says_what_it_needs():
    with pytest.raises(ValueError, match='"lsuv" measures a batch: give it images='):
        I.initialize(nn.Linear(2, 2), "lsuv")


def test_an_unknown_initialization_lists_the_choices():
    with pytest.raises(ValueError, match='initialization "magic" is unknown; choose one of: he, lsuv, normal'):
        I.initialize(nn.Linear(2, 2), "magic")


def test_a_bias_has_no_fans():
    with pytest.raises(ValueError, match=r"\(out, in, \*kernel\); got shape \(8,\)"):
        I.fans(torch.empty(8))


@pytest.mark.parametrize("name", sorted(I.INITIALIZATIONS))
def test_initialize_zeroes_biases_and_spares_normalization(name):
    model, images = built()
    nn.init.constant_(model[2].weight, 3.0)
    I.initialize(model, name, images, generator=seeded())
    assert all(not layer.bias.any() for _, layer in I.layers(model))
    assert (model[2].weight == 3).all() and (model[4][1].weight == 0.25).all()


@pytest.mark.parametrize("name", sorted(set(I.INITIALIZATIONS) - {"zeros", "lsuv"}))
def test_gain_multiplies_the_weights(name):
    once, twice = (I.INITIALIZATIONS[name](torch.empty(20, 30), gain=g, generator=seeded()) for g in (1, 2))
    torch.testing.assert_close(2 * once, twice)


@pytest.mark.rows("I04", "A04")
@pytest.mark.parametrize(
    ("function", "gain"),
    [
        (F.relu, math.sqrt(2)),
        (lambda z: F.leaky_relu(z, 1 / 3), nn.init.calculate_gain("leaky_relu", 1 / 3)),
        (lambda z: z, 1.0),
        (lambda z: torch.ones_like(z), 1.0),
    ],
)
def test_gain_of_agrees_with_closed_forms(function, gain):
    assert I.gain_of(function) == pytest.approx(gain, rel=1e-6)


@pytest.mark.rows("I04")
@pytest.mark.parametrize("function", [F.elu, F.gelu, torch.tanh])
def test_gain_of_agrees_with_quadrature(function):
    from scipy import integrate, stats

    square, _ = integrate.quad(lambda z: function(torch.tensor(z)).item() ** 2 * stats.norm.pdf(z), -10, 10)
    assert I.gain_of(function) == pytest.approx(1 / math.sqrt(square), rel=1e-5)


@pytest.mark.rows("I09")
def test_the_first_loss_is_the_entropy_of_the_labels():
    labels = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)
    head = nn.Linear(5, 3)
    I.initialize(head, "zeros")
    assert F.cross_entropy(head(torch.randn(100, 5)), labels).item() == pytest.approx(math.log(3))
    I.prior_bias_(head.bias, labels.bincount())
    entropy = -(0.7 * math.log(0.7) + 0.2 * math.log(0.2) + 0.1 * math.log(0.1))
    assert F.cross_entropy(head(torch.randn(100, 5)), labels).item() == pytest.approx(entropy, abs=1e-5)


def test_a_class_without_images_has_no_prior():
    with pytest.raises(ValueError, match=r"one positive count for each of the 3 outputs; got \[4, 0, 2\]"):
        I.prior_bias_(torch.zeros(3), torch.tensor([4, 0, 2]))


@pytest.mark.rows("I09")
def test_the_check_of_the_first_loss_passes_at_the_log_of_the_classes_and_at_the_prior():
    labels = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)
    model, images = nn.Sequential(nn.Dropout(), nn.Linear(5, 3)), torch.randn(100, 5, generator=seeded())
    I.initialize(model, "normal", generator=seeded())
    assert I.check_initial_loss(model, images, labels) == pytest.approx(math.log(3), abs=0.05)
    I.initialize(model, "zeros")
    I.prior_bias_(model[1].bias, labels.bincount())
    entropy = -(0.7 * math.log(0.7) + 0.2 * math.log(0.2) + 0.1 * math.log(0.1))
    assert I.check_initial_loss(model, images, labels, expected=entropy, tolerance=1e-3) == pytest.approx(entropy)
    assert model.training


@pytest.mark.rows("I09")
def test_a_network_that_is_sure_before_it_has_learned_is_told():
    with pytest.raises(ValueError, match=r"should be 1\.0986 within 0\.05; it is 6\.\d+.*last layer's weights smaller"):
        I.check_initial_loss(nn.Identity(), 9 * torch.eye(3), torch.zeros(3, dtype=torch.long))


def test_the_draws_are_made_where_the_generator_is():
    """On a weight of another device (here one without numbers) a CPU generator is no error."""
    for name in ("normal", "xavier", "he", "orthogonal"):
        I.INITIALIZATIONS[name](torch.empty(4, 6, device="meta"), generator=seeded())


@pytest.mark.rows("I04")
@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"maxout"}))
def test_every_activation_has_a_gain_that_keeps_the_signal(name):
    module = activation(name).double()
    z = torch.randn(400_000, dtype=torch.float64, generator=seeded())
    kept = (I.gain_of(module) * module(z).detach()).square().mean()
    assert kept.item() == pytest.approx(1, rel=0.02)
    assert module.training


def test_a_gain_takes_no_random_numbers_and_leaves_single_precision_alone():
    state, module = torch.random.get_rng_state(), activation("prelu")
    assert I.gain_of(activation("rrelu")) == pytest.approx(math.sqrt(2 / (1 + (2 / 11) ** 2)), rel=1e-6)
    assert I.gain_of(module) == pytest.approx(math.sqrt(2 / (1 + 1 / 16)), rel=1e-6)
    assert torch.equal(torch.random.get_rng_state(), state) and module.weight.dtype == torch.float32
