"""Search for an architecture by evolution: the oldest of a population dies, whatever it was worth.

An architecture is a tuple of choices, one for each position; `space` says how many there are: (3, 3, 5) is 45 of them.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Generator

from cnnlab.choices import demand

Architecture = tuple[int, ...]


class Individual(NamedTuple):
    """An architecture, what it scored, and the architecture it was mutated from (None: drawn at random) (row H19)."""

    architecture: Architecture
    fitness: float
    parent: Architecture | None = None


def drawn(space: Sequence[int], *, generator: Generator | None = None) -> Architecture:
    """An architecture drawn evenly from `space` (row H19). Source: {cite:t}`real2019regularized`."""
    return tuple(_below(choices, generator) for choices in space)


def mutated(architecture: Architecture, space: Sequence[int], *, generator: Generator | None = None) -> Architecture:
    """`architecture` with one position, of those with a choice, changed to another value (row H19).

    Source: {cite:t}`real2019regularized`.
    """
    free = [i for i, choices in enumerate(space) if choices > 1]
    demand(bool(free), "space", tuple(space), "one with at least two choices at some position")
    i = free[_below(len(free), generator)]
    other = (architecture[i] + 1 + _below(space[i] - 1, generator)) % space[i]
    return (*architecture[:i], other, *architecture[i + 1 :])


def ageing_evolution(
    fitness: Callable[[Architecture], float],
    space: Sequence[int],
    *,
    population: int = 20,
    sample: int = 5,
    generator: Generator | None = None,
) -> Iterator[Individual]:
    """Yields individuals without end, in the order of birth; the last `population` of them are those alive (row H19).

    First `population` random ones; then each time the fittest of `sample` drawn from the living, with replacement, is
    mutated, its child is scored by `fitness` (more is better) and the oldest dies. Good genes stay only as long as their
    descendants score well again. Source: {cite:t}`real2019regularized`.
    """
    demand(1 <= sample <= population, "sample", sample, f"from 1 to the population, {population}")
    living: deque[Individual] = deque(maxlen=population)
    while True:
        if len(living) < population:
            born, parent = drawn(space, generator=generator), None
        else:
            rivals = torch.randint(population, (sample,), generator=generator).tolist()
            parent = max((living[i] for i in rivals), key=lambda each: each.fitness).architecture
            born = mutated(parent, space, generator=generator)
        living.append(Individual(born, fitness(born), parent))  # a full deque lets go of its oldest
        yield living[-1]


def random_search(
    fitness: Callable[[Architecture], float], space: Sequence[int], *, generator: Generator | None = None
) -> Iterator[Individual]:
    """Random individuals without end: what evolution has to beat (row H19). Source: {cite:t}`real2019regularized`."""
    while True:
        born = drawn(space, generator=generator)
        yield Individual(born, fitness(born))


def _below(choices: int, generator: Generator | None) -> int:
    return int(torch.randint(choices, (), generator=generator))
