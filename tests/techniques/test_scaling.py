import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques.initialization import initialize
from cnnlab.techniques.scaling import SCALINGS, input_scale, predicted_rms, rescale_

SHAPES = [(256, 128, 3, 3), (200, 700), (700, 200), (96, 12, 5, 5)]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.rows("I03", "I04")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", sorted(SCALINGS))
def test_a_rule_has_the_variance_of_its_formula(name, shape):
    into, out = math.prod(shape[1:]), shape[0] * math.prod(shape[2:])
    variances = {
        "lecun": 1 / into,
        "caffe_xavier": 1 / into,
        "xavier_uniform": 2 / (into + out),
        "he_uniform": 2 / into,
        "torch_default": 1 / (3 * into),
    }
    weight = rescale_(torch.empty(shape, dtype=torch.float64), name, gain=1.5, generator=seeded())
    assert weight.var().item() == pytest.approx(1.5**2 * variances[name], rel=0.02)
    largest = weight.abs().max().item() / weight.std().item()
    assert largest > 3.5 if name == "lecun" else largest == pytest.approx(math.sqrt(3), rel=0.01)


@pytest.mark.rows("I03", "I04")
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("xavier_uniform", lambda w: nn.init.xavier_uniform_(w, generator=seeded())),
        ("he_uniform", lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu", generator=seeded())),
        ("torch_default", lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5), generator=seeded())),
        ("lecun", lambda w: nn.init.kaiming_normal_(w, nonlinearity="linear", generator=seeded())),
    ],
    ids=["xavier_uniform", "he_uniform", "torch_default", "lecun"],
)
def test_rules_agree_with_torch_draw_for_draw(name, theirs):
    ours = rescale_(torch.empty(8, 6, 3, 3), name, generator=seeded())
    torch.testing.assert_close(ours, theirs(torch.empty(8, 6, 3, 3)))


@pytest.mark.rows("I04")
def test_a_new_convolution_of_torch_starts_as_torch_default_says():
    torch.manual_seed(0)
    conv = nn.Conv2d(64, 256, 3)
    assert conv.weight.var().item() == pytest.approx(1 / (3 * 64 * 9), rel=0.02)


@pytest.mark.rows("I03")
def test_divided_by_the_root_of_the_fan_in_a_sum_has_variance_one_and_by_the_fan_in_it_has_not():
    x = torch.randn(2000, 400, generator=seeded(1))
    weight = rescale_(torch.empty(400, 400), "lecun", generator=seeded())
    assert (x @ weight.T).var().item() == pytest.approx(1, abs=0.02)
    wrong = weight * math.sqrt(400) / 400  # as S1 has it
    assert (x @ wrong.T).var().item() == pytest.approx(1 / 400, rel=0.02)


@pytest.mark.rows("I02")
def test_the_prediction_for_alexnets_deviation_is_that_of_the_sheet():
    assert predicted_rms(0.01, 1152, layers=1) == pytest.approx(0.24)
    assert predicted_rms(0.01, 1152, layers=17) == pytest.approx(2.9e-11, rel=0.01)


@pytest.mark.rows("I02")
@pytest.mark.parametrize("std", [0.001, 0.01, 0.05, 0.1])
@pytest.mark.parametrize(("n", "layers"), [(512, 4), (1024, 8)])
def test_the_predicted_rms_is_the_simulated_one_within_ten_percent(std, n, layers):
    generator, h = seeded(2), torch.randn(64, n, dtype=torch.float64, generator=seeded(1))
    for _ in range(layers):
        h = F.relu(h @ torch.randn(n, n, dtype=torch.float64, generator=generator).mul(std).T)
    assert h.square().mean().sqrt().item() == pytest.approx(predicted_rms(std, n, layers=layers), rel=0.1)


@pytest.mark.rows("I07")
def test_the_scale_gives_images_variance_one():
    images = torch.randint(256, (64, 3, 8, 8), generator=seeded()).float()
    assert (images * input_scale(images)).var(correction=0).item() == pytest.approx(1, rel=1e-5)


@pytest.mark.rows("I07")
def test_after_lsuv_the_scale_of_the_images_is_the_square_of_the_first_layers_step():
    def first_layer(scale: float):
        torch.manual_seed(0)
        images, labels = scale * torch.randn(64, 3, 6, 6, dtype=torch.float64), torch.arange(64) % 5
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 5)).double()
        initialize(model, "lsuv", images, generator=seeded())
        logits = model(images)
        F.cross_entropy(logits, labels).backward()
        return logits.detach(), model[0].weight.grad.norm() / model[0].weight.detach().norm()

    (logits, step), (scaled, large) = first_layer(1.0), first_layer(25.0)
    torch.testing.assert_close(scaled, logits, rtol=0.05, atol=0.05)
    assert (large / step).item() == pytest.approx(25**2, rel=0.1)


@pytest.mark.rows("I08")
@pytest.mark.parametrize("gain", [0.8, 1.0, 1.2])
def test_the_growth_of_signal_and_gradient_through_relu_is_the_gain(gain):
    from cnnlab.probes import growth_per_layer, signal

    model = nn.Sequential(*(m for _ in range(30) for m in (nn.Linear(400, 400), nn.ReLU())), nn.Linear(400, 10))
    initialize(model, "he", gain=gain, generator=seeded())
    columns = signal(model, torch.randn(100, 400, generator=seeded(1)), torch.arange(100) % 10)
    for values in (columns["variance"][:-1], columns["gradient"][-2::-1]):
        assert math.sqrt(growth_per_layer(values)) == pytest.approx(gain, rel=0.02)


@pytest.mark.parametrize(("value", "variance"), [(1.0, "0.0"), (math.nan, "nan"), (math.inf, "nan")], ids=str)
def test_images_without_a_usable_variance_have_no_scale(value, variance):
    with pytest.raises(ValueError, match=f"variance of the images must be positive and finite.*; got {variance}"):
        input_scale(torch.full((4, 3, 2, 2), value))


def test_an_unknown_scaling_lists_the_choices():
    with pytest.raises(ValueError, match='scaling "glorot" is unknown; choose one of: caffe_xavier, he_uniform'):
        rescale_(torch.empty(2, 2), "glorot")
