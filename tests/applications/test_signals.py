import math

import pytest
import torch
from torch import nn

from cnnlab.applications.learning import accuracy, learn
from cnnlab.applications.signals import conv1d_as_conv2d, signal_net, tones

pytestmark = pytest.mark.rows("U08")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 3, "padding": 2},
        {"dilation": 4, "bias": False},
        {"groups": 2, "padding": 3, "padding_mode": "circular"},
    ],
    ids=["plain", "stride", "dilation", "groups"],
)
def test_it_is_a_convolution_of_one_row(options):
    torch.manual_seed(0)
    conv, x = nn.Conv1d(4, 6, 5, **options), torch.randn(2, 4, 50)
    torch.testing.assert_close(conv1d_as_conv2d(conv)(x[:, :, None])[:, :, 0], conv(x), rtol=0, atol=1e-6)


def test_the_copy_has_weights_of_its_own():
    conv = nn.Conv1d(1, 1, 3)
    copy = conv1d_as_conv2d(conv)
    nn.init.zeros_(conv.weight)
    assert copy.weight.abs().sum() > 0 and copy.weight.shape == (1, 1, 1, 3)


def test_named_padding_is_refused():
    with pytest.raises(ValueError, match="padding must be a number; got 'same'"):
        conv1d_as_conv2d(nn.Conv1d(1, 1, 3, padding="same"))


def test_a_tone_has_its_pitch():
    from scipy.signal import periodogram

    drawn = tones(40, length=2000, noise=0.1)
    frequencies, power = periodogram(drawn.signals[:, 0].numpy())
    want = [0.02 * math.pow(2, label / 4) for label in drawn.labels.tolist()]
    assert frequencies[power.argmax(axis=1)].tolist() == pytest.approx(want, abs=1 / 2000)


def test_more_pitches_than_the_sampling_rate_can_hold_are_refused():
    with pytest.raises(ValueError, match="pitches must be from 1 to 19; got 20"):
        tones(2, pitches=20)


def test_filters_and_a_mean_over_time_hear_what_a_linear_layer_cannot():
    torch.manual_seed(0)
    (train, labels), (test, wanted) = tones(2000), tones(500, seed=1)
    net, linear = signal_net(1, 8), nn.Sequential(nn.Flatten(), nn.Linear(256, 8))
    learn(net, [train], labels, steps=400)
    learn(linear, [train], labels, steps=400)
    assert accuracy(net, [test], wanted) > 0.9
    assert accuracy(linear, [test], wanted) < 0.3
    longer = tones(300, length=512, seed=2)
    assert accuracy(net, [longer.signals], longer.labels) > 0.9
