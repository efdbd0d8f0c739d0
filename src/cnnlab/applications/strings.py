"""Molecules written as strings, properties predicted from them, and how the predictions are scored."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from cnnlab.choices import demand

ALPHABET = "CNOFSclno123()=#"  # of SMILES; Cl is two letters here
MOTIF = "C(=O)N"  # how SMILES writes an amide


class Strings(NamedTuple):
    """Strings of one length, and 1 where one holds the motif, else 0: int64 (N,)."""

    texts: list[str]
    labels: Tensor


def motif_strings(n: int, *, motif: str = MOTIF, length: int = 40, seed: int = 0) -> Strings:
    """Random characters of SMILES; half of the strings hold `motif` somewhere, the others its letters shuffled (row U07).

    So counting letters does not help. They look like SMILES and are not: brackets and rings need not close. No string
    without the label holds the motif by chance. A motif that cannot be planted or shuffled raises a `ValueError`.
    """
    possible = set(motif) <= set(ALPHABET) and len(set(motif)) > 1 and len(motif) <= length
    demand(possible, "motif", motif, f"two different characters of {ALPHABET} or more, {length} at most")
    generator = Generator().manual_seed(seed)
    labels = torch.randint(2, (n,), generator=generator)
    return Strings([_string(bool(label), motif, length, generator) for label in labels], labels)


def _string(planted: bool, motif: str, length: int, generator: Generator) -> str:
    """Drawn again until it holds the motif if and only if it is to."""
    while True:
        letters = [ALPHABET[i] for i in torch.randint(len(ALPHABET), (length,), generator=generator)]
        order = range(len(motif)) if planted else torch.randperm(len(motif), generator=generator)
        start = int(torch.randint(length - len(motif) + 1, (1,), generator=generator))
        letters[start : start + len(motif)] = [motif[i] for i in order]
        if (motif in "".join(letters)) == planted:
            return "".join(letters)


def one_hot(texts: Sequence[str], alphabet: str = ALPHABET) -> Tensor:
    """A channel for each character: float (N, alphabet, length) for texts of one length (row U07).

    A character outside of the alphabet raises a `ValueError`.
    """
    unknown = set("".join(texts)) - set(alphabet)
    demand(not unknown, "texts", "".join(sorted(unknown)), f"of the characters {alphabet}")
    rows = torch.tensor([[alphabet.index(letter) for letter in text] for text in texts])
    return nn.functional.one_hot(rows, len(alphabet)).transpose(1, 2).float()


def string_net(channels: int, classes: int, *, width: int = 32, kernel_size: int = 6) -> nn.Sequential:
    r"""$\max_t \mathrm{ReLU}(w * x)_t$ of each filter, then a linear layer: is it anywhere in the string? (row U07).

    (N, channels, L) to (N, classes), any L from `kernel_size`. A filter finds a motif as long as itself; the maximum
    forgets where. Source: {cite:t}`kim2014convolutional`.
    """
    return nn.Sequential(
        *(nn.Conv1d(channels, width, kernel_size), nn.ReLU()),
        *(nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(width, classes)),
    )


def multitask_loss(predicted: Tensor, targets: Tensor) -> Tensor:
    """The mean squared error over the entries of (N, tasks) that were measured; NaN stands for the others (row U07).

    One net for fifteen assays of Merck, of which no molecule has seen all. S0 counts it among convolutional networks;
    it is a multilayer perceptron on descriptors. Source: {cite:t}`ma2015deep`.
    """
    measured = ~targets.isnan()
    return (predicted - targets)[measured].square().mean()


def r_squared(predicted: Tensor, target: Tensor) -> float:
    r"""The share of variance explained, $1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2$ (row U07).

    1 is perfect, 0 no better than the mean, and it can be negative; a target that never changes has none. Both
    tensors are (N,). Source: {cite:t}`ma2015deep`.
    """
    return (1 - (target - predicted).square().sum() / (target - target.mean()).square().sum()).item()


def squared_correlation(predicted: Tensor, target: Tensor) -> float:
    r"""What Merck's challenge called $R^2$: $\mathrm{corr}(y, \hat y)^2$, blind to scale and offset (row U07).

    It is `r_squared` only after the best line has been put through the predictions. Source: {cite:t}`ma2015deep`.
    """
    return torch.corrcoef(torch.stack([predicted, target]))[0, 1].square().item()
