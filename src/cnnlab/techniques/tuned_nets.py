"""Networks tuned for one task: what their rank there says about another task, what a change to them costs."""

import math

from torch import Tensor

from cnnlab.choices import demand
from cnnlab.techniques.comparisons import ranks
from cnnlab.techniques.statistics import standard_error


def rank_changes(source: Tensor, target: Tensor) -> Tensor:
    """How many places each architecture gains from the source task to the target task, by score: (M,) (row X03).

    Negative ones transfer worse than they classify. Equal scores share the mean of their places. GoogLeNet beat
    VGG on ImageNet in 2014, but not in segmentation (mean IU 42.5 to 56.0) nor in semantics (MEN .487 to .506).
    `comparisons.rank_correlation` sums it up. Source: {cite:t}`long2015fully,kiela2016comparing`.
    """
    demand(source.shape == target.shape, "scores", (len(source), len(target)), "as many in both, one an architecture")
    return ranks(target) - ranks(source)


def modification_effect(baseline: float, modified: float, *, images: int) -> tuple[float, float]:
    r"""By how much a change to a network moved its accuracy, and how many standard errors that is (row X04).

    $q - p$ and $(q - p) / \sigma$ with $\sigma^2 = (p (1 - p) + q (1 - q)) / n$ for shares p, then q, right of n test
    images: the luck of the images, without that of the seed. Batch
    normalization in GoogLeNet, .619 to .603 and .596 on 50,000 images, is a loss of 5 and 7 standard errors; so a tuned
    network is measured after every change, not trusted to gain from what others gain from. In the benchmark's table
    the .619 is marked as an unfinished run, and a later run with batch normalization has .645.
    Source: {cite:t}`mishkin2016`.
    """
    error = math.hypot(standard_error(baseline, images), standard_error(modified, images))
    demand(error > 0, "the accuracies", (baseline, modified), "not both 0 or 1, which have no spread")
    return modified - baseline, (modified - baseline) / error
