"""FractalNet: five fractal blocks in a row, deep without a residual connection."""

from collections.abc import Callable
from functools import partial

from torch import nn

from cnnlab.models.layers import check_native
from cnnlab.models.resnet import head
from cnnlab.techniques.fractal import FractalBlock, conv_unit

DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.4)


def fractalnet(
    in_channels: int = 3,
    classes: int = 10,
    *,
    size: str = "paper",
    columns: int = 3,
    width: int = 64,
    pool: Callable[[int], nn.Module] = nn.MaxPool2d,
) -> nn.Sequential:
    """Five blocks of `columns` columns and a linear layer: 20 convolutions on the longest path at 3 (rows H11, H12).

    Stages of `width`, 2, 4, 8 and 8 times as many channels: 33,698,880 weights in convolutions at 64. Dropout rises from
    0 to .4 and stands between convolution and normalization; columns are pooled, then joined. Local drop-path of .15 is
    in the joins, `techniques.fractal.one_column` is the global one. `pool` = nn.AvgPool2d is the average-pooling
    FractalNet of {cite:t}`smith2016design`. Made for 32x32 images: both sizes are one net. Source:
    {cite:t}`larsson2016fractalnet`.
    """
    check_native(size)
    widths = [width * factor for factor in (1, 2, 4, 8, 8)]
    net = nn.Sequential()
    for before, after, dropout in zip([in_channels, *widths], widths, DROPOUTS, strict=False):
        net.append(FractalBlock(before, after, columns=columns, make=partial(unit, dropout=dropout), pool=pool(2)))
    return net.extend(head(widths[-1], classes))


def unit(in_channels: int, out_channels: int, rows: int, *, dropout: float) -> nn.Sequential:
    """A convolution, dropout, batch normalization and ReLU (row H11). Source: {cite:t}`larsson2016fractalnet`."""
    return conv_unit(in_channels, out_channels, rows).insert(1, nn.Dropout(dropout))
