import pytest
import torch
from model_oracles import parameters
from torch import nn
from torch.nn import functional as F

from cnnlab.models.resnet_in_resnet import TwoStreams, block, resnet_in_resnet

pytestmark = pytest.mark.rows("H07")


def norm(x: torch.Tensor) -> torch.Tensor:
    return F.batch_norm(x, None, None, training=True)


@pytest.mark.parametrize(("out_channels", "stride"), [(4, 1), (8, 2)])
def test_the_streams_feed_each_other_by_four_sets_of_filters(out_channels, stride):
    layer, x = TwoStreams(4, out_channels, stride), torch.randn(3, 4, 6, 6)
    (rr, tr), (rt, tt) = (rows.chunk(2, dim=1) for rows in layer.conv.weight.chunk(2))
    r, t = x.chunk(2, dim=1)

    def conv(stream, weight):
        return F.conv2d(stream, weight, stride=stride, padding=1)

    around = F.pad(r[..., ::stride, ::stride], (0, 0, 0, 0, 0, (out_channels - 4) // 2))
    residual = F.relu(norm(conv(r, rr) + conv(t, tr) + around))
    transient = F.relu(norm(conv(r, rt) + conv(t, tt)))
    torch.testing.assert_close(layer(x), torch.cat([residual, transient], dim=1))


def test_with_silent_filters_only_the_residual_stream_passes():
    layer = TwoStreams(4, 4).eval()
    nn.init.zeros_(layer.conv.weight)
    x = torch.rand(2, 4, 5, 5)
    wanted = torch.cat([x[:, :2] / (1 + 1e-5) ** 0.5, torch.zeros(2, 2, 5, 5)], dim=1)
    torch.testing.assert_close(layer(x), wanted)


def test_a_block_has_an_outer_shortcut_around_two_inner_ones():
    one = block(4, 4).eval()
    for layer in one.branch:
        nn.init.zeros_(layer.norm.weight)
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(one(x), x) and len(one.branch) == 2


def test_it_costs_what_resnet_20_does():
    assert parameters(resnet_in_resnet) == 269_722  # one convolution holds all four sets


def test_an_odd_number_of_channels_makes_no_two_streams():
    with pytest.raises(ValueError, match="in_channels must be even, for two streams; got 5"):
        TwoStreams(5, 8)
    with pytest.raises(ValueError, match="out_channels must be even, for two streams; got 7"):
        TwoStreams(4, 7)
