import torch
from contract import Case

from cnnlab.techniques.learned_color import LEARNED_COLORS, LearnedColor


def colors(generator):
    return (torch.rand(2, 3, 4, 4, generator=generator),)


CASES = {name: Case(make, colors) for name, make in LEARNED_COLORS.items()}
CASES["C"] = Case(
    LEARNED_COLORS["C"],
    colors,
    bad=((lambda: LearnedColor(in_channels=6, residual=True), "in_channels must be 3 where residual.*; got 6"),),
)
