"""Transforms that leave the label as it is, and networks averaged over a group of them: these no longer see them."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from cnnlab.choices import choose, demand


def mirror(images: Tensor) -> list[Tensor]:
    """The images (..., H, W), and the same mirrored left to right (row P07)."""
    return [images, images.flip(-1)]


def quarter_turns(images: Tensor) -> list[Tensor]:
    """The images (..., H, W) turned by 0, 90, 180 and 270 degrees, exactly (row P07)."""
    return [torch.rot90(images, turns, (-2, -1)) for turns in range(4)]


def dihedral(images: Tensor) -> list[Tensor]:
    """The eight symmetries of the square: four quarter turns, as they are and mirrored (row P07)."""
    return [each for side in mirror(images) for each in quarter_turns(side)]


def random_transform(images: Tensor, group: str = "dihedral", *, generator: Generator | None = None) -> Tensor:
    r"""Each image of a square batch (N, C, H, H) under one transform of the group, drawn uniformly (row P07).

    A step on it samples $E_{x, y, T}\,\ell(f(T x), y)$: it covers the problem space, where the label allows every $T$.
    Source: {cite:t}`smith2016design`.
    """
    demand(images.shape[-1] == images.shape[-2], "the shape of images", tuple(images.shape), "square, (N, C, H, H)")
    candidates = torch.stack(transforms(group)(images))
    which = torch.randint(len(candidates), (len(images),), generator=generator).to(images.device)
    return candidates[which, torch.arange(len(images), device=images.device)]


class GroupAverage(nn.Module):
    r"""$g(x) = \frac{1}{|G|} \sum_{T \in G} f(T x)$, the same for $x$ and every $T x$, whatever the `model` $f$ (row P07).

    One forward pass of `model` for each transform, so the dihedral group costs eight. $f$ gives scores, not maps.
    Source: {cite:t}`smith2016design`.
    """

    def __init__(self, model: nn.Module, group: str = "dihedral"):
        super().__init__()
        self.model, self.group = model, group
        self.transforms = transforms(group)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.model(each) for each in self.transforms(x)]).mean(0)

    def extra_repr(self) -> str:
        return f"group={self.group}"


def transforms(group: str) -> Callable[[Tensor], list[Tensor]]:
    """The function that gives images under all transforms of the named group; an unknown name lists the choices."""
    return choose(GROUPS, group, "group of transforms")


GROUPS = {"mirror": mirror, "quarter_turns": quarter_turns, "dihedral": dihedral}
