"""Features made by hand before they were learned: histograms of oriented gradients."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cnnlab.choices import demand

EPS = 1e-5  # in the norm of a block
CLIP = 0.2  # no entry of a normalized block is larger: one strong edge does not drown the others


def oriented_gradients(images: Tensor) -> tuple[Tensor, Tensor]:
    r"""$\sqrt{g_x^2 + g_y^2}$ and the angle of the gradient in degrees, 0 to 180: two tensors (..., H, W) (row U09).

    $g_x = x_{i, j+1} - x_{i, j-1}$, and 0 in the first and the last column; $g_y$ alike, downward. An edge from dark to
    light has the angle of one from light to dark. Images are floats: the difference of two
    bytes would wrap. Source: {cite:t}`dalal2005histograms`.
    """
    gx, gy = torch.zeros_like(images), torch.zeros_like(images)
    gx[..., 1:-1] = images[..., 2:] - images[..., :-2]
    gy[..., 1:-1, :] = images[..., 2:, :] - images[..., :-2, :]
    return torch.hypot(gx, gy), torch.rad2deg(torch.atan2(gy, gx)) % 180


def cell_histograms(images: Tensor, *, orientations: int = 9, cell: int = 8) -> Tensor:
    """How much gradient each cell of cell x cell pixels has in each range of angles (row U09).

    (N, H, W) to (N, H // cell, W // cell, orientations): the sum of magnitudes over the cell's pixels; what is left over
    at the border is no cell. Images smaller than a cell raise a `ValueError`. Source: {cite:t}`dalal2005histograms`.
    """
    demand(min(images.shape[1:]) >= cell, "images", tuple(images.shape), f"(N, H, W) of at least {cell} pixels a side")
    magnitude, angle = oriented_gradients(images)
    which = (angle / (180 / orientations)).floor().long().clamp(max=orientations - 1)
    votes = F.one_hot(which, orientations).movedim(-1, 1) * magnitude[:, None]
    return F.avg_pool2d(votes, cell).movedim(1, -1) * cell**2


def hog(images: Tensor, *, orientations: int = 9, cell: int = 8, block: int = 3) -> Tensor:
    r"""The descriptor: histograms of each block x block cells, normalized together, in one row (row U09).

    Blocks step by one cell. Each is $v / \sqrt{\lVert v \rVert^2 + \epsilon^2}$, clipped at .2 and normalized again
    (L2-Hys). (N, H, W) to (N, blocks · block² · orientations). scikit-image: `skimage.feature.hog`. Source:
    {cite:t}`dalal2005histograms`.
    """
    cells = cell_histograms(images, orientations=orientations, cell=cell)
    demand(min(cells.shape[1:3]) >= block, "images", tuple(images.shape), f"of at least {block} cells a side")
    blocks = cells.unfold(1, block, 1).unfold(2, block, 1).permute(0, 1, 2, 4, 5, 3).flatten(3)
    return _normalized(_normalized(blocks).clamp(max=CLIP)).flatten(1)


def _normalized(v: Tensor) -> Tensor:
    return v / (v.square().sum(dim=-1, keepdim=True) + EPS**2).sqrt()
