r"""Three nets of seven fractal blocks in a fractal, which differ in how the last join meets their three columns.

The columns are four, two and one blocks deep. As in the authors' Caffe files, from which these are read.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from cnnlab.choices import demand
from cnnlab.models.layers import check_native
from cnnlab.techniques.fractal import Boosted, FractalBlock, fractal_of_fractals, taylor_sum


def fractal_of_fractalnet(
    in_channels: int = 3, classes: int = 10, *, size: str = "paper", width: int = 64, drop_path: float = 0.15
) -> nn.Sequential:
    """FoF: the mean of the columns, with drop-path (row H12).

    Blocks of `width` to 8·width channels, then a linear layer on a map of 2x2. Made for 32x32 images: both sizes are one
    net. Source: {cite:t}`smith2016design`.
    """
    check_native(size)
    return nn.Sequential(fractal(in_channels, width, drop_path), *flat_head(width, classes))


def stagewise_boosting_net(
    in_channels: int = 3, classes: int = 10, *, size: str = "paper", width: int = 64, interval: str = "increasing"
) -> nn.Sequential:
    """SBN: the shallow column plus the mean of the others, of which one is trained at each step (row H12).

    `fractal.Boosted` is the join; its sum is normalized. Sizes as in `fractal_of_fractalnet`. Source:
    {cite:t}`smith2016design`.
    """
    check_native(size)
    body = fractal(in_channels, width, 0.15)
    body.join = Boosted(interval=interval)
    return nn.Sequential(body, nn.BatchNorm2d(8 * width), *flat_head(width, classes))


def taylor_series_net(
    in_channels: int = 3, classes: int = 10, *, size: str = "paper", width: int = 64
) -> nn.Sequential:
    r"""TSN: the shallow column, plus the square of the next, plus the cube of the deepest: $b_1 + b_2^2 + b_3^3$ (row H12).

    The sum is normalized. Of the authors' two files, one averages these terms with drop-path, the other joins the first
    two by freeze-drop-path. Sizes as in `fractal_of_fractalnet`. Source: {cite:t}`smith2016design`.
    """
    check_native(size)
    body = fractal(in_channels, width, 0.15)
    body.join = Taylor()
    return nn.Sequential(body, nn.BatchNorm2d(8 * width), *flat_head(width, classes))


def fractal(in_channels: int, width: int, drop_path: float) -> FractalBlock:
    """Seven blocks of three columns, 49 convolutions; 32x32 images come out as maps of 2x2."""
    return fractal_of_fractals(in_channels, [width, 2 * width, 4 * width, 8 * width], drop_path=drop_path)


def flat_head(width: int, classes: int) -> tuple[nn.Module, ...]:
    """A linear layer on the map of 2x2 that 32x32 images give; other maps are averaged to 2x2 first."""
    return nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * 8 * width, classes)


class Taylor(nn.Module):
    """`taylor_sum` of two or more branches, as a module; one column alone has lost its power (row H12).

    Source: {cite:t}`smith2016design`.
    """

    def forward(self, branches: Sequence[Tensor]) -> Tensor:
        demand(len(branches) > 1, "the number of branches", len(branches), "at least 2; select no one column")
        return taylor_sum(branches)
