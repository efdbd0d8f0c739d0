import pytest
import torch
from torch import nn

from cnnlab.techniques.collapse import collapse

pytestmark = pytest.mark.rows("A01")


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("bias", [True, False])
def test_a_stack_of_linear_layers_is_one_linear_layer(depth, bias):
    torch.manual_seed(depth)
    model = nn.Sequential(*(nn.Linear(6, 6, bias=bias) for _ in range(depth)))
    torch.testing.assert_close(collapse(model)(draw(9, 6)), model(draw(9, 6)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("seed", range(10))
def test_a_stack_of_convolutions_is_one_convolution_away_from_the_border(seed):
    torch.manual_seed(seed)
    kernels = torch.randint(1, 5, (3, 2)).tolist()
    strides = torch.randint(1, 3, (3,)).tolist()
    model = nn.Sequential(*(nn.Conv2d(3, 3, k, stride=s, padding=1) for k, s in zip(kernels, strides, strict=True)))
    one, x = collapse(model), draw(2, 3, 64, 64)
    ours, theirs = one(x), model(x)
    assert ours.shape == theirs.shape
    inner = (..., slice(3, -3), slice(3, -3)) if ours.shape[-1] > 8 else (..., slice(2, -2), slice(2, -2))
    assert ours[inner].numel()
    torch.testing.assert_close(ours[inner], theirs[inner], rtol=0, atol=1e-5)


def test_without_padding_it_is_the_same_up_to_the_border():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, (3, 5), stride=(2, 1)), nn.Conv2d(4, 4, 1, bias=False), nn.Conv2d(4, 3, 3))
    one = collapse(model)
    assert (one.kernel_size, one.stride) == ((7, 7), (2, 1))
    torch.testing.assert_close(one(draw(2, 2, 20, 20)), model(draw(2, 2, 20, 20)), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "between",
    [nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, dilation=2), nn.Conv2d(4, 4, 3, padding="same")],
    ids=["relu", "max_pool", "dilation", "same"],
)
def test_what_stands_between_linear_layers_is_told(between):
    with pytest.raises(ValueError, match=r"collapse takes a stack of nn.Linear, or of nn.Conv2d.*Take out"):
        collapse(nn.Sequential(nn.Conv2d(4, 4, 3), between, nn.Conv2d(4, 4, 3)))
    with pytest.raises(ValueError, match=r"collapse takes a stack of nn.Linear, or of nn.Conv2d.*Take out"):
        collapse(nn.Sequential(between))


def test_an_empty_stack_is_refused():
    with pytest.raises(ValueError, match=r"collapse takes a stack of nn.Linear.*got \[\]"):
        collapse(nn.Sequential())


def test_a_single_layer_comes_back_as_a_new_one():
    layer = nn.Linear(3, 2)
    one = collapse(nn.Sequential(layer))
    nn.init.zeros_(one.weight)
    assert layer.weight.any()
