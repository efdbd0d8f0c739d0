"""`shapes`: pictures of ten figures, 32x32 RGB, drawn by arithmetic, every factor known.

One picture is a figure (its shape is the label) with a color, scale, rotation, position and texture, on a background,
among clutter, under noise. `difficulty` in 0..1 widens the range of every factor at once.
All random numbers come from a generator on the CPU, and the device only adds, multiplies, compares and takes square
roots, which IEEE 754 rounds in one way: the same seed gives the same bytes on every device.
"""

import hashlib
import math
from typing import NamedTuple

import torch
from torch import Tensor

from cnnlab.data.dataset import Raw, Request, Split, check_seed
from cnnlab.data.figures import BACKGROUNDS, FIGURES, SIZE, TEXTURES, capsule, coverage, local

SHAPES = tuple(FIGURES)
COLORS = {
    "red": (0.90, 0.22, 0.27),
    "orange": (0.96, 0.55, 0.20),
    "yellow": (0.98, 0.82, 0.28),
    "green": (0.28, 0.68, 0.37),
    "teal": (0.13, 0.63, 0.64),
    "blue": (0.20, 0.43, 0.86),
    "purple": (0.53, 0.33, 0.75),
    "pink": (0.95, 0.52, 0.70),
}
DEFAULT_DIFFICULTY = 0.5
MAX_CLUTTER = 5
CHUNK = 250  # images drawn at a time: they stay in the cache, and the first n never depend on how many follow


class Shapes(NamedTuple):
    """uint8 images (N, 3, 32, 32), int64 labels (N,), bool masks (N, 32, 32) of what is seen of the figure, factors."""

    images: Tensor
    labels: Tensor
    masks: Tensor
    factors: dict[str, Tensor]


def generate(n: int, *, seed: int = 0, difficulty: float = DEFAULT_DIFFICULTY, device="cpu") -> Shapes:
    """Draw `n` pictures.

    `factors` has a row per picture: shape, color, texture, background (indices into SHAPES, COLORS, TEXTURES,
    BACKGROUNDS), scale (radius in pixels), rotation (radians, clockwise), position (N, 2; x and y of the center in
    pixels), clutter (how many pieces), noise (its standard deviation, in 0..1) and difficulty.
    The first k pictures of a seed are the same for every `n`. Raises `ValueError` on a bad `n` or `difficulty`.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"images={n!r} is not a count; give a whole number of at least 1")
    if isinstance(difficulty, bool) or not isinstance(difficulty, (int, float)) or not 0 <= difficulty <= 1:
        raise ValueError(f"difficulty={difficulty!r} is out of range; give a number from 0 (plain) to 1 (hardest)")
    generator = torch.Generator().manual_seed(check_seed(seed))
    parts = [_chunk(generator, difficulty, device, min(CHUNK, n - start)) for start in range(0, n, CHUNK)]
    images, masks = (torch.cat([part[i] for part in parts]) for i in range(2))
    factors = {key: torch.cat([part[2][key] for part in parts]).to(device) for key in parts[0][2]}
    return Shapes(images, factors["shape"].clone(), masks, factors)


def load(request: Request, *, images: int = 10_000, difficulty: float = DEFAULT_DIFFICULTY) -> Raw:
    """`images` train images (the valid ones among them) and a fifth as many for testing, from a seed of their own."""
    test_seed = int.from_bytes(hashlib.sha256(f"test {request.seed}".encode()).digest()[:4])
    train = generate(images, seed=request.seed, difficulty=difficulty)
    test = generate(max(len(SHAPES), images // 5), seed=test_seed, difficulty=difficulty)
    origin = f"drawn by cnnlab with seed {request.seed} at difficulty {difficulty}; license MIT"
    return Raw("shapes", SHAPES, origin, *(Split(part.images, part.labels) for part in (train, test)))


def _chunk(generator: torch.Generator, difficulty: float, device, keep: int) -> tuple[Tensor, Tensor, dict]:
    """The first `keep` pictures of the next CHUNK: all are drawn by lot, so that the generator's state is the same."""
    factors, hidden = _factors(generator, difficulty), _hidden(generator, difficulty)
    grain = torch.rand(2, CHUNK, 3, SIZE, SIZE, generator=generator)[:, :keep]
    factors = {key: value[:keep] for key, value in factors.items()}
    hidden = {key: value[:keep].to(device) for key, value in hidden.items()}
    images, masks = _draw({key: value.to(device) for key, value in factors.items()}, hidden)
    # The sum of two uniform numbers has variance 1/6: noise without a logarithm, which devices round differently.
    grain = (grain[0] + grain[1] - 1).to(device) * (math.sqrt(6) * factors["noise"].to(device)).view(-1, 1, 1, 1)
    return ((images + grain).clamp(0, 1) * 255 + 0.5).floor().to(torch.uint8), masks, factors


def _factors(generator: torch.Generator, d: float) -> dict[str, Tensor]:
    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(CHUNK, *shape, generator=generator)

    def pick(count):
        return torch.randint(count, (CHUNK,), generator=generator)

    scale = uniform(9.5 - 2.3 * d, 12 - d)
    room = (SIZE / 2 - scale - 0.5).clamp(min=0)[:, None]
    return {
        # Every ten pictures in a row show all ten figures, so any prefix is balanced.
        "shape": torch.rand(CHUNK // 10, 10, generator=generator).argsort(1).flatten(),
        "color": pick(len(COLORS)),
        "texture": pick(len(TEXTURES)),
        "background": pick(len(BACKGROUNDS)),
        "scale": scale,
        "rotation": 0.19 * math.pi * d * d * uniform(-1, 1),
        "position": SIZE / 2 + room * (0.4 + 0.3 * d) * uniform(-1, 1, 2),
        "clutter": pick(round(MAX_CLUTTER * d) + 1),
        "noise": uniform(0, 0.1 * d * d),
        "difficulty": torch.full((CHUNK,), float(d)),
    }


def _hidden(generator: torch.Generator, d: float) -> dict[str, Tensor]:
    """What is drawn by lot but is no factor: shades, phases, where the clutter lies."""

    def rand(*shape):
        return torch.rand(CHUNK, *shape, generator=generator)

    hue = torch.randint(1, len(COLORS), (CHUNK,), generator=generator)
    return {
        "tint": rand(3) * 0.16 - 0.08,
        "hue": hue,
        "light": (rand() < 0.5).float(),
        "fade": 0.35 + 0.45 * rand(),
        "blend": 0.5 * d * rand(),
        "angle": 2 * math.pi * rand(),
        "grid": rand(5, 5),
        "piece": rand(MAX_CLUTTER, 5),
        "piece_color": torch.randint(len(COLORS), (CHUNK, MAX_CLUTTER), generator=generator),
        "front": rand(MAX_CLUTTER) < 0.5 * d * d,
    }


def _draw(factors: dict[str, Tensor], hidden: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Background, clutter behind, figure, clutter in front: float images (N, 3, 32, 32) in 0..1 and masks."""
    palette = torch.tensor(list(COLORS.values()), device=factors["color"].device)
    ink = (palette[factors["color"]] + hidden["tint"]).clamp(0, 1)
    paper = palette[(factors["color"] + hidden["hue"]) % len(COLORS)]
    paper = _mix(paper, hidden["light"][:, None], hidden["fade"][:, None])
    paper = _mix(paper, ink, hidden["blend"][:, None])
    images = _by_kind(BACKGROUNDS, factors["background"], hidden["angle"], hidden["grid"])
    images = paper[:, :, None, None] * (0.85 + 0.3 * images[:, None])
    u, v = local(factors["position"], factors["rotation"], factors["scale"])
    alpha = coverage(_by_kind(FIGURES, factors["shape"], u, v), factors["scale"])
    pattern = _by_kind(TEXTURES, factors["texture"], u, v)
    fill = ink[:, :, None, None] * (1 - 0.3 * pattern[:, None])
    pieces = _pieces(factors, hidden, palette)
    for shade, cover, front in pieces:
        images = _mix(images, shade, (cover * ~front)[:, None])
    images = _mix(images, fill, alpha[:, None])
    for shade, cover, front in pieces:
        images = _mix(images, shade, (cover * front)[:, None])
        alpha = alpha * (1 - cover * front)
    return images, alpha > 0.5


def _mix(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    return a + (b - a) * share


def _by_kind(table: dict, kinds: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Row i is `table`'s function number `kinds[i]` of row i of `a` and `b`."""
    out = torch.empty(len(kinds), SIZE, SIZE, device=kinds.device)
    for kind, function in enumerate(table.values()):
        rows = (kinds == kind).nonzero().flatten()
        out[rows] = function(a[rows], b[rows])
    return out


def _pieces(factors: dict[str, Tensor], hidden: dict[str, Tensor], palette: Tensor) -> list[tuple]:
    """Clutter: short strokes, each (color (N, 3, 1, 1), cover (N, 32, 32), in front (N, 1, 1))."""
    pieces = []
    for k in range(int(factors["clutter"].max())):
        cover = capsule(hidden["piece"][:, k]) * (factors["clutter"] > k)[:, None, None]
        shade = palette[hidden["piece_color"][:, k]][:, :, None, None]
        pieces.append((shade, cover, hidden["front"][:, k, None, None]))
    return pieces
