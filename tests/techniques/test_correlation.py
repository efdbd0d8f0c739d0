import random

import pytest
import torch
from scipy import signal
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import correlation as C


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def configuration(seed: int) -> tuple[tuple[torch.Tensor, ...], dict]:
    """Images, weight and bias of a random layer, and its stride, padding and dilation, rows apart from columns."""
    draw = random.Random(seed)
    groups, part, out = (draw.randint(1, 3) for _ in range(3))
    kernel, dilation, stride, padding = ([draw.randint(low, 3) for _ in range(2)] for low in (1, 1, 1, 0))
    sides = [d * (k - 1) + 1 + draw.randint(0, 6) for k, d in zip(kernel, dilation, strict=True)]
    shapes = (2, groups * part, *sides), (groups * out, part, *kernel), (groups * out,)
    layer = {"stride": tuple(stride), "padding": tuple(padding), "dilation": tuple(dilation)}
    return tuple(torch.randn(shape, generator=seeded(seed)) for shape in shapes), layer


@pytest.mark.rows("C01")
@pytest.mark.parametrize("name", C.CORRELATIONS)
def test_by_hand_agrees_with_torch_on_sixty_random_layers(name):
    for seed in range(60):
        (x, weight, bias), layer = configuration(seed)
        want = F.conv2d(x, weight, bias, groups=x.shape[1] // weight.shape[1], **layer)
        torch.testing.assert_close(C.correlation(name)(x, weight, bias=bias, **layer), want, rtol=0, atol=1e-5)


@pytest.mark.rows("C01")
def test_the_columns_of_im2col_are_torchs_unfold():
    x = torch.randn(2, 3, 9, 8, generator=seeded())
    seen = C.windows(x, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))
    want = F.unfold(x, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))
    assert torch.equal(seen.permute(0, 1, 4, 5, 2, 3).reshape(want.shape), want)


@pytest.mark.rows("C01")
def test_flipping_the_kernel_gives_the_convolution_of_mathematics():
    image, kernel = torch.randn(9, 8, generator=seeded()), torch.randn(3, 4, generator=seeded(1))
    want = torch.from_numpy(signal.convolve2d(image.numpy(), kernel.numpy(), mode="valid"))
    torch.testing.assert_close(C.true_convolution(image[None, None], kernel[None, None])[0, 0], want)
    assert not torch.allclose(C.conv2d_by_loops(image[None, None], kernel[None, None])[0, 0], want, atol=0.1)


@pytest.mark.rows("K08")
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_grouped_convolution_is_separate_convolutions_concatenated(groups):
    x, layer = torch.randn(2, 8, 7, 7, generator=seeded()), nn.Conv2d(8, 12, 3, 2, 1, groups=groups, bias=False)
    torch.testing.assert_close(C.grouped_conv2d(x, layer.weight, stride=2, padding=1), layer(x), rtol=0, atol=1e-6)
    assert layer.weight.numel() == 8 * 12 * 9 // groups


@pytest.mark.rows("K08")
def test_a_shuffle_deals_channels_as_torch_does():
    x = torch.arange(12.0).view(1, 12, 1, 1)
    assert torch.equal(C.channel_shuffle(x, 3), nn.ChannelShuffle(3)(x))
    assert C.channel_shuffle(x, 3).flatten().tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]


def test_an_unknown_correlation_lists_the_choices():
    with pytest.raises(ValueError, match='correlation "winograd" is unknown; choose one of: fft, im2col, loops'):
        C.correlation("winograd")


@pytest.mark.rows("C01")
@pytest.mark.parametrize("name", C.CORRELATIONS)
def test_an_empty_batch_gives_an_empty_batch(name):
    weight = torch.ones(4, 1, 3, 2)
    assert C.correlation(name)(torch.zeros(0, 2, 5, 6), weight, bias=torch.ones(4)).shape == (0, 4, 3, 5)
