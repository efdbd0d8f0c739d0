import pytest
import torch
from torch import nn

from cnnlab.models.layers import Flat, Mean, conv, dense, even, whole


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
def test_an_odd_kernel_keeps_height_and_width(kernel_size):
    assert conv(3, 4, kernel_size)(torch.randn(1, 3, 9, 11)).shape == (1, 4, 9, 11)


def test_maxout_gets_twice_the_filters_and_gives_the_channels_asked_for():
    layer, hidden = conv(3, 4, 3, act="maxout", placement="after"), dense(5, 6, act="maxout")
    assert layer[0].out_channels == 8 and layer[2].num_features == 4 and hidden[0].out_features == 12
    assert layer(torch.randn(2, 3, 5, 5)).shape == (2, 4, 5, 5) and hidden(torch.randn(2, 5)).shape == (2, 6)


def test_normalization_before_sees_the_filters_and_after_the_activation():
    x = torch.randn(8, 3, 6, 6)
    before, after = (conv(3, 4, 3, placement=placement) for placement in ("before", "after"))
    assert before(x).min() >= 0
    torch.testing.assert_close(after(x).mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)


def test_scaled_widths_never_vanish():
    assert [whole(0.2), whole(2.6), even(0.1), even(5.2), even(7.0)] == [1, 3, 2, 6, 8]


def test_the_mean_is_torchs_global_average_pool():
    x = torch.randn(2, 3, 5, 7)
    torch.testing.assert_close(Mean()(x), nn.AdaptiveAvgPool2d(1)(x).flatten(1))


def test_a_map_of_another_size_is_refused_with_both_sizes():
    assert Flat(12, 32)(torch.randn(2, 3, 2, 2)).shape == (2, 12)
    with pytest.raises(ValueError, match="takes 12 features, which images of 32x32 give; got a map of .3, 3, 3., 27"):
        Flat(12, 32)(torch.randn(2, 3, 3, 3))
