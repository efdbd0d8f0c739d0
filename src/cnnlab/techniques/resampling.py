"""Smaller maps, and images larger than a network was made for.

A stride throws pixels away, and what they held aliases into the ones that stay, unless a blur comes first. How to make
maps larger is in `upsampling`.
"""

import copy
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose, demand
from cnnlab.lending import mode
from cnnlab.techniques.correlation import pair
from cnnlab.techniques.kernels import linear_to_1x1, linear_to_conv

POOLS = (nn.MaxPool2d, nn.AvgPool2d)


def subsample(x: Tensor, stride: int = 2) -> Tensor:
    """Every `stride`-th row and column of (..., H, W), from the first (row S01).

    A convolution with a stride is one with stride 1, subsampled: it computes only what is kept. Source:
    {cite:t}`dumoulin2016guide`.
    """
    return x[..., ::stride, ::stride]


class BlurPool2d(nn.Module):
    r"""A binomial blur of each channel, then every `stride`-th pixel: subsampling that aliases less (row S01).

    Taps are a row of Pascal's triangle over $2^{k-1}$; the border is reflected. (N, C, H, W) to
    (N, C, ⌈H/stride⌉, ⌈W/stride⌉) for an odd `kernel_size`. Source: {cite:t}`zhang2019making`.
    """

    def __init__(self, kernel_size: int = 3, *, stride: int = 2):
        super().__init__()
        demand(kernel_size % 2 == 1 and kernel_size > 1, "kernel_size", kernel_size, "odd and at least 3")
        self.kernel_size, self.stride = kernel_size, stride
        taps = torch.ones(1)
        for _ in range(kernel_size - 1):
            taps = (F.pad(taps, (0, 1)) + F.pad(taps, (1, 0))) / 2
        self.register_buffer("kernel", torch.outer(taps, taps))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel.expand(x.shape[1], 1, -1, -1)
        x = F.pad(x, (self.kernel_size // 2,) * 4, mode="reflect")
        return F.conv2d(x, kernel, stride=self.stride, groups=x.shape[1])

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


def max_blur_pool(kernel_size: int = 2, *, stride: int = 2) -> nn.Sequential:
    """A max pool that keeps every place, then `BlurPool2d` takes the stride (row S01). Source: {cite:t}`zhang2019making`."""
    return nn.Sequential(nn.MaxPool2d(kernel_size, stride=1), BlurPool2d(stride=stride))


def pools_to_strides(model: nn.Sequential) -> nn.Sequential:
    """A copy in which each pool's stride has moved into the convolution before it, and the pool is gone (row S02).

    That convolution then costs a quarter. Maps keep their sizes where the convolution keeps its map and the stride
    divides it. A pool without a convolution before it raises a `ValueError`, and so does one that stands twice in the
    model, or whose convolution does. Source: {cite:t}`springenberg2014striving`.
    """
    model, conv = copy.deepcopy(model), None
    uses = Counter(module for _, module in model.named_modules(remove_duplicate=False))
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Conv2d):
            conv = module
        elif isinstance(module, POOLS):
            demand(conv is not None, f'what stands before pool "{name}"', None, "a convolution, to take its stride")
            once = uses[module] == uses[conv] == 1
            demand(once, f'pool "{name}" and what stands before', "a layer twice", "used once")
            conv.stride = tuple(s * t for s, t in zip(conv.stride, pair(module.stride), strict=True))
            model.set_submodule(name, nn.Identity())
    return model


def replace_pools(model: nn.Module, images: Tensor) -> nn.Module:
    """A copy in which each pool is a convolution of its kernel, stride and padding, then a ReLU (row S02).

    So every map keeps its size. `images` (N, C, H, W) are sent through once, to learn how many channels reach each
    pool. A pool that rounds up raises a `ValueError`: no convolution does; so does one used twice, for which one
    convolution would not do. Source: {cite:t}`springenberg2014striving`.
    """
    model = copy.deepcopy(model)
    for name, channels in _channels_at(model, POOLS, images).items():
        pool = model.get_submodule(name)
        demand(not pool.ceil_mode, f'ceil_mode of pool "{name}"', True, "False, as in a convolution")
        conv = nn.Conv2d(channels, channels, pool.kernel_size, pool.stride, pool.padding, getattr(pool, "dilation", 1))
        model.set_submodule(name, nn.Sequential(conv, nn.ReLU()).to(images))
    return model


@torch.no_grad()
def _channels_at(model: nn.Module, kinds: tuple[type, ...], images: Tensor) -> dict[str, int]:
    """How many channels enter each module of these kinds."""
    seen: dict[str, int] = {}
    names = {module: name for name, module in model.named_modules() if isinstance(module, kinds)}

    def note(module: nn.Module, inputs) -> None:
        name = names[module]
        demand(name not in seen, f'pool "{name}"', "a second use", "used once")
        seen[name] = inputs[0].shape[1]

    hooks = [module.register_forward_pre_hook(note) for module in names]
    try:
        with mode(model, training=False):
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def fully_convolutional(model: nn.Sequential, images: Tensor) -> nn.Sequential:
    """A copy whose dense layers are convolutions, so that it takes images of any larger size (row S12).

    `images` have the size that `model` was made for: layers up to its one `nn.Flatten` say the map (C, h, w) that the
    first `nn.Linear` reads; that one becomes h x w, later ones 1x1. Logits are (N, classes, H', W'): what the
    classifier says of every window, the shared work done once; exact where no layer pads. A head that averages the map
    takes any size as it is. A normalization of vectors in the head raises a `ValueError`. Source: {cite:t}`long2015fully`.
    """
    names = [type(layer).__name__ for layer in model]
    whole = names.count("Flatten") == 1 and "Linear" in names[names.index("Flatten") :]
    demand(whole, "model", names, "a sequence with one Flatten, and a Linear after it")
    flat, model = names.index("Flatten"), copy.deepcopy(model)
    vectors = [name for name in names[flat:] if name in ("BatchNorm1d", "LayerNorm")]
    demand(not vectors, "the head", vectors, "without a normalization of vectors: its layers get maps")
    first = names.index("Linear", flat)
    with mode(model, training=False), torch.no_grad():
        shape = model[:flat](images).shape[1:]
    head = [linear_to_1x1(layer) if isinstance(layer, nn.Linear) else layer for layer in model[first + 1 :]]
    return nn.Sequential(*model[:flat], *model[flat + 1 : first], linear_to_conv(model[first], tuple(shape)), *head)


def downsampling(name: str) -> Callable[[], nn.Module]:
    """The factory of the named way to halve a map; an unknown name lists the choices."""
    return choose(DOWNSAMPLINGS, name, "downsampling")


DOWNSAMPLINGS = {
    "stride": lambda: nn.MaxPool2d(1, stride=2),
    "max": lambda: nn.MaxPool2d(2),
    "blur": BlurPool2d,
    "max_blur": max_blur_pool,
}
