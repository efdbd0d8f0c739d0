"""Questions about a picture, answered from a bag of words and the features of a network.

Each picture is one figure of `shapes`. Its color and its shape are drawn independently, so that no question gives its
answer away.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from cnnlab.data.shapes import COLORS, SHAPES, generate

ANSWERS = (*COLORS, *SHAPES)


class Asked(NamedTuple):
    """uint8 images (N, 3, 32, 32), a question about each, and the answers (N,), indices into `ANSWERS`."""

    images: Tensor
    questions: list[str]
    answers: Tensor


def ask(n: int, *, seed: int = 0, difficulty: float = 0.0) -> Asked:
    """`n` pictures of `shapes`, of each one asked its color or its shape (row U04). Source: {cite:t}`zhou2015simple`."""
    drawn = generate(n, seed=seed, difficulty=difficulty)
    color, shape = drawn.factors["color"], drawn.factors["shape"]
    own = Generator().manual_seed(seed + 1)  # that of `seed` draws the pictures
    about_shape = torch.rand(n, generator=own) < 0.5
    questions = [
        f"what shape is the {color_name} figure" if other else f"what color is the {shape_name}"
        for color_name, shape_name, other in zip(_names(COLORS, color), _names(SHAPES, shape), about_shape, strict=True)
    ]
    return Asked(drawn.images, questions, torch.where(about_shape, len(COLORS) + shape, color))


def _names(names: Iterable[str], rows: Tensor) -> list[str]:
    return [tuple(names)[row] for row in rows.tolist()]


def vocabulary(texts: Sequence[str]) -> list[str]:
    """The words of all texts, each once, in alphabetical order (row U04)."""
    return sorted({word for text in texts for word in text.lower().split()})


def bag_of_words(texts: Sequence[str], words: Sequence[str]) -> Tensor:
    """How often each of `words` stands in each text: float (N, words), the order of the text is lost (row U04).

    Words outside of the vocabulary count nowhere. Source: {cite:t}`zhou2015simple`.
    """
    return torch.tensor([[text.lower().split().count(word) for word in words] for text in texts], dtype=torch.float32)


class BagOfWordsAndImage(nn.Module):
    r"""iBOWIMG: $z = W [E q; f(x)] + b$, an embedded bag of words beside the features of a network (row U04).

    `features` maps images to (N, D), bags are (N, words), logits (N, answers). Word and image only add up: the question
    says which answers are possible, the picture which of them holds. "Is it red?", whose words turn the answer
    around, is beyond it. Source: {cite:t}`zhou2015simple`.
    """

    def __init__(self, features: nn.Module, dimensions: int, *, words: int, answers: int, width: int = 64):
        super().__init__()
        self.features = features
        self.embed = nn.Linear(words, width, bias=False)
        self.answer = nn.Linear(width + dimensions, answers)

    def forward(self, images: Tensor, bags: Tensor) -> Tensor:
        return self.answer(torch.cat([self.embed(bags), self.features(images)], dim=1))


def question_only(words: int, answers: int, *, width: int = 64) -> nn.Sequential:
    """The baseline that sees no picture: what can be guessed from the words, (N, words) to (N, answers) (row U04).

    Source: {cite:t}`zhou2015simple`.
    """
    return nn.Sequential(nn.Linear(words, width, bias=False), nn.Linear(width, answers))


def small_eye(width: int = 16, dimensions: int = 64) -> nn.Sequential:
    """Features (N, dimensions) of images (N, 3, 32, 32): three convolutions and a dense layer, for seconds of training."""
    return nn.Sequential(
        *(nn.Conv2d(3, width, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(2 * width * 16, dimensions), nn.ReLU()),
    )
