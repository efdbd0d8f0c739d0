"""What `shapes` is drawn with: figures as signed distances, textures, backgrounds and strokes.

A figure maps coordinates (u, v) (N, 32, 32), v downward, in units of its radius, to a distance: negative inside.
Only additions, products, comparisons and square roots run on the device; see `shapes`.
"""

import math

import torch
from torch import Tensor

SIZE = 32


def pixels(device) -> tuple[Tensor, Tensor]:
    """x (1, 1, 32) and y (1, 32, 1) of the pixels' centers."""
    at = torch.arange(SIZE, device=device) + 0.5
    return at.view(1, 1, -1), at.view(1, -1, 1)


def turn(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine (N, 1, 1), taken on the CPU in float64: devices differ in the last bit of float32."""
    exact = angle.double().cpu()
    return tuple(f.float().to(angle.device).view(-1, 1, 1) for f in (exact.cos(), exact.sin()))


def local(position: Tensor, rotation: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels in the frame of a figure: moved by `position`, turned by `rotation`, in units of `scale`."""
    x, y = pixels(position.device)
    x, y = x - position[:, 0].view(-1, 1, 1), y - position[:, 1].view(-1, 1, 1)
    (cos, sin), scale = turn(rotation), scale.view(-1, 1, 1)
    return (x * cos + y * sin) / scale, (y * cos - x * sin) / scale


def coverage(distance: Tensor, scale: Tensor) -> Tensor:
    """How much of a pixel lies inside, 0..1, from the distance of its center: smooth edges."""
    return (0.5 - distance * scale.view(-1, 1, 1)).clamp(0, 1)


def length(u: Tensor, v: Tensor) -> Tensor:
    """Distance from the origin."""
    return (u * u + v * v).sqrt()


def sides(u: Tensor, v: Tensor, count: int) -> Tensor:
    """Projections (count, N, 32, 32) on `count` directions evenly turned, the first pointing down."""
    turns = [2 * math.pi * k / count for k in range(count)]
    return torch.stack([u * math.sin(t) + v * math.cos(t) for t in turns])


def box(u: Tensor, v: Tensor, width: float, height: float) -> Tensor:
    """An upright rectangle, half `width` by half `height`."""
    return torch.maximum(u.abs() - width, v.abs() - height)


def circle(u, v):
    return length(u, v) - 0.88


def square(u, v):
    return box(u, v, 0.76, 0.76)


def triangle(u, v):
    return sides(u, v + 0.1, 3).amax(0) - 0.52


def star(u, v):
    """A pentagram: the points outside at most one of its five lines."""
    return sides(u, v, 5).topk(2, dim=0).values[1] - 0.36


def cross(u, v):
    return torch.minimum(box(u, v, 0.92, 0.3), box(u, v, 0.3, 0.92))


def ring(u, v):
    return (length(u, v) - 0.7).abs() - 0.22


def heart(u, v):
    """A square on its corner and two discs on its upper sides."""
    u, v = u.abs(), v + 0.06
    diamond = (u + v.abs() - 0.84) * math.sqrt(0.5)
    return torch.minimum(diamond, length(u - 0.42, v + 0.42) - 0.594)


def moon(u, v):
    return torch.maximum(length(u, v) - 0.95, 0.78 - length(u - 0.46, v))


def arrow(u, v):
    head = torch.maximum(v - 0.05, (u.abs() - 0.86 * v - 0.86) * 0.758)
    return torch.minimum(head, box(u, v - 0.42, 0.27, 0.54))


def leaf(u, v):
    """What two discs share."""
    return length(u.abs() + 0.62, v) - 1.14


def wave(x: Tensor, period: float) -> Tensor:
    """A triangle wave in 0..1, flattened at both ends."""
    phase = x * (1 / period)
    return (((phase - phase.floor()) * 2 - 1).abs() * 3 - 1).clamp(0, 1)


def solid(u, v):
    return torch.zeros_like(u)


def stripes(u, v):
    return wave(u + v, 0.7)


def dots(u, v):
    return ((wave(u, 0.6) * wave(v, 0.6)) * 1.6).clamp(0, 1)


def checks(u, v):
    a, b = wave(u, 0.9), wave(v, 0.9)
    return a + b - 2 * a * b


def plain(angle, grid):
    return torch.full((len(angle), SIZE, SIZE), 0.5, device=angle.device)


def gradient(angle, grid):
    (cos, sin), (x, y) = turn(angle), pixels(angle.device)
    return ((x - SIZE / 2) * cos + (y - SIZE / 2) * sin) * (1 / SIZE) + 0.5


def clouds(angle, grid):
    """Random values on a 5x5 grid, joined by straight lines."""
    at = torch.arange(SIZE, device=grid.device) * (4 / SIZE)
    low, share = at.long(), at - at.floor()
    rows = grid[:, low] + (grid[:, low + 1] - grid[:, low]) * share[:, None]
    return rows[:, :, low] + (rows[:, :, low + 1] - rows[:, :, low]) * share


def bands(angle, grid):
    (cos, sin), (x, y) = turn(angle), pixels(angle.device)
    return wave(x * cos + y * sin, 7.0)


def capsule(piece: Tensor) -> Tensor:
    """Cover (N, 32, 32) of a stroke from (N, 5) numbers in 0..1: place (2), angle, length, width."""
    u, v = local(piece[:, :2] * SIZE, piece[:, 2] * math.pi, torch.ones(len(piece), device=piece.device))
    half, width = (piece[:, 3] * 4).view(-1, 1, 1), (piece[:, 4] * 1.2 + 0.6).view(-1, 1, 1)
    return (0.5 - length((u.abs() - half).clamp(min=0), v) + width).clamp(0, 1)


FIGURES = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "cross": cross,
    "ring": ring,
    "heart": heart,
    "moon": moon,
    "arrow": arrow,
    "leaf": leaf,
}
TEXTURES = {"solid": solid, "stripes": stripes, "dots": dots, "checks": checks}
BACKGROUNDS = {"plain": plain, "gradient": gradient, "clouds": clouds, "bands": bands}
