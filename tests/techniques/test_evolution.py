import itertools
from itertools import islice

import pytest
import torch

from cnnlab.techniques.evolution import ageing_evolution, drawn, mutated, random_search

pytestmark = pytest.mark.rows("H19")
SPACE = (4,) * 8


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def matches(architecture) -> float:
    """How many of eight positions are right: best (0, 1, 2, 3, 0, 1, 2, 3), worth 8."""
    return sum(choice == i % 4 for i, choice in enumerate(architecture))


def run(births: int, seed: int = 0, population: int = 20, sample: int = 5) -> list:
    search = ageing_evolution(matches, SPACE, population=population, sample=sample, generator=seeded(seed))
    return list(islice(search, births))


def test_the_first_are_random_and_the_rest_children_of_the_living():
    history = run(80)
    assert all(each.parent is None for each in history[:20])
    for i, child in enumerate(history[20:], start=20):
        living = [each.architecture for each in history[i - 20 : i]]  # 20 of them, always: the oldest is gone
        assert child.parent in living
        assert sum(a != b for a, b in zip(child.architecture, child.parent, strict=True)) == 1


def test_even_the_best_dies_of_old_age():
    def first_is_best(architecture):
        first_is_best.calls += 1
        return 100.0 if first_is_best.calls == 1 else 0.0

    first_is_best.calls = 0
    search = ageing_evolution(first_is_best, SPACE, population=5, sample=5, generator=seeded(1))
    history = list(islice(search, 12))
    assert history[5].parent == history[0].architecture  # born while the best lived
    later = {each.architecture for each in history[1:]}
    assert history[0].architecture not in later
    assert all(child.parent in later for child in history[6:])


def test_rivals_are_drawn_with_replacement():
    """Then the parent is the j-th best of P with probability ((P - j + 1)^S - (P - j)^S) / P^S."""
    scores = torch.rand(3004, generator=seeded(1)).tolist()
    calls = iter(scores)
    search = ageing_evolution(lambda _: next(calls), (1000,) * 3, population=4, sample=4, generator=seeded())
    history, places = list(islice(search, 3004)), [0] * 4
    for i, child in enumerate(history[4:], start=4):
        living = sorted(history[i - 4 : i], key=lambda each: -each.fitness)
        places[[each.architecture for each in living].index(child.parent)] += 1
    want = [3000 * ((5 - j) ** 4 - (4 - j) ** 4) / 4**4 for j in range(1, 5)]
    assert sum((n - w) ** 2 / w for n, w in zip(places, want, strict=True)) < 16.3  # chi-squared, 3 degrees, p = 0.001


def test_each_architecture_is_scored_once_a_birth_and_keeps_its_score():
    scored = []

    def fitness(architecture):
        scored.append(architecture)
        return matches(architecture)

    history = list(islice(ageing_evolution(fitness, SPACE, generator=seeded()), 100))
    assert scored == [each.architecture for each in history]
    assert [each.fitness for each in history] == [matches(architecture) for architecture in scored]


def test_the_same_seed_gives_the_same_history():
    assert run(50) == run(50) != run(50, seed=1)


def test_evolution_beats_random_search_at_equal_cost():
    def best(search):
        return max(each.fitness for each in islice(search, 150))

    evolved = [best(ageing_evolution(matches, SPACE, generator=seeded(seed))) for seed in range(8)]
    random = [best(random_search(matches, SPACE, generator=seeded(seed))) for seed in range(8)]
    assert sum(evolved) / 8 > sum(random) / 8 + 1


def test_every_architecture_is_drawn_equally_often():
    generator, counts = seeded(), dict.fromkeys(itertools.product(range(2), range(3)), 0)
    for _ in range(1200):
        counts[drawn((2, 3), generator=generator)] += 1
    assert sum((count - 200) ** 2 / 200 for count in counts.values()) < 20.5  # chi-squared, 5 degrees, p = 0.001


def test_a_mutation_reaches_every_neighbor_and_spares_positions_without_a_choice():
    generator = seeded()
    reached = {mutated((0, 0, 2), (2, 1, 3), generator=generator) for _ in range(200)}
    assert reached == {(1, 0, 2), (0, 0, 0), (0, 0, 1)}


def test_bad_settings_are_told_in_words():
    with pytest.raises(ValueError, match="sample must be from 1 to the population, 4; got 5"):
        next(ageing_evolution(matches, SPACE, population=4))
    with pytest.raises(ValueError, match=r"space must be one with at least two choices at some position; got \(1, 1\)"):
        mutated((0, 0), (1, 1))
