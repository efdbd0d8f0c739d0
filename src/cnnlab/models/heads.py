"""Classifiers for the map that a body of convolutions leaves, written as the benchmark writes them.

A plan is a row of words: `2048C3` a 3x3 convolution to 2048 channels that keeps the map, `4096F` a fully connected layer,
`SPP3` a spatial pyramid of three levels, `avg` the mean over the map, `clf` the classifier. Every layer is a
convolution, a fully connected one with a kernel as large as the map, so that parameters keep their names and shapes
wherever the mean stands, and a head without `F` takes maps of any size.
"""

import re
from collections import OrderedDict

from torch import nn

from cnnlab.choices import demand
from cnnlab.techniques.activations import activation, pieces
from cnnlab.techniques.pooling import SpatialPyramidPool2d

WORD = re.compile(r"\d+C[13579]|\d+F|SPP[1-9]|avg|clf")


def head(
    plan: str, in_channels: int, classes: int, *, side: int | None = None, act: str = "relu", dropout: float = 0.5
) -> nn.Sequential:
    r"""The head that `plan` writes, from a map (N, in_channels, H, W) to logits (N, classes) (rows F01, F02, F03).

    - `2048C3_2048C1_clf_avg` predicts at every place and averages the predictions, `2048C3_2048C1_avg_clf` predicts from
      the mean. Between the two stands a linear layer only, $\overline{Wx + b} = W \bar{x} + b$, so with the same weights
      the logits are the same; what differs is dropout. `2048C3_avg_2048C1_clf` has a ReLU in between: another function.
      Published .494, .489; with ELU .511, .508, .481 in this order.
    - `512C3_1024C3_1536C1_clf_avg` (.482, .491 with dropout): convolutions first, fully connected before the classifier
      and not earlier. A kernel that looks around after the map is gone raises a `ValueError`.
    - `4096F_4096F_clf` (.497) and `2048F_2048F_clf` (.471) are the heads of CaffeNet; `SPP3_2048F_2048F_clf` (.483)
      takes maps of any size.

    `F` reads the whole map, so its height and width must be given as `side`. The activation `act` and dropout follow
    each hidden layer. S3 calls the first two "pool5pad"; the benchmark's nets pad the 3x3 convolution, not pool5.
    Source: {cite:t}`mishkin2016`.
    """
    words = plan.split("_")
    demand(words.count("clf") == 1, "plan", plan, 'words joined by "_" with one clf among them')
    net, channels, hidden = nn.Sequential(), in_channels, 0
    for place, word in enumerate(words):
        demand(WORD.fullmatch(word), "a word of the plan", word, "such as 2048C3, 4096F, SPP3, avg or clf")
        if word == "clf":
            net.add_module("clf", nn.Conv2d(channels, classes, 1))
        elif word == "avg":
            net.add_module(f"avg{place}", nn.AdaptiveAvgPool2d(1))
            side = 1
        elif word.startswith("SPP"):
            bins = [2**level for level in range(int(word[3:]))]
            net.add_module(f"pyramid{place}", nn.Sequential(SpatialPyramidPool2d(bins), nn.Unflatten(1, (-1, 1, 1))))
            channels, side = channels * sum(cells**2 for cells in bins), 1
        else:
            hidden += 1
            layer, units, side = _layer(word, channels, side, pieces(act))
            net.add_module(f"hidden{hidden}", nn.Sequential(layer, activation(act), nn.Dropout(dropout)))
            channels = units
    return net.append(nn.Flatten()) if side == 1 else net


def _layer(word: str, channels: int, side: int | None, filters: int) -> tuple[nn.Conv2d, int, int | None]:
    """The convolution of a hidden layer with so many filters a unit, its units, and the side of the map it leaves."""
    if word.endswith("F"):
        demand(side, "side", side, f"the height and width of the map that {word} reads")
        units = int(word[:-1])
        return nn.Conv2d(channels, units * filters, side), units, 1
    units, kernel = map(int, word.split("C"))
    demand(kernel == 1 or side != 1, "a word of the plan", word, "with kernel 1 where no map is left: convolve earlier")
    return nn.Conv2d(channels, units * filters, kernel, padding=kernel // 2), units, side


def without_classifier(net: nn.Sequential) -> nn.Sequential:
    """A head without its `clf`, on the same weights: from a map to the descriptor (N, D) of an image (row F05).

    For retrieval it is squeezed: `2048C3_512C1_clf_avg` gives 512 numbers, for .489 of accuracy in place of the .508 of
    2048. Source: {cite:t}`mishkin2016`.
    """
    return nn.Sequential(OrderedDict((name, layer) for name, layer in net.named_children() if name != "clf"))
