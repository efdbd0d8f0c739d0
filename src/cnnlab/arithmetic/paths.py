"""Paths through a network, and the wiring that makes many of them.

A wiring is a list of edges (from, to); an edge listed twice is two ways. `Graph.edges` is one.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from graphlib import TopologicalSorter

from cnnlab.choices import demand

Edge = tuple[Hashable, Hashable]


def count_paths(edges: Iterable[Edge]) -> int:
    """The number of paths from a source to a sink of a wiring without cycles, exactly (row P02).

    $n$ residual blocks in a row have $2^n$, a fractal block of $C$ columns $p(C) = p(C-1)^2 + 1$: 1, 2, 5, 26, 677. A
    cycle raises a `ValueError`. Source: {cite:t}`veit2016residual`.
    """
    return sum(length_histogram(edges).values())


def length_histogram(edges: Iterable[Edge], counts: Callable[[Hashable], int] = lambda _node: 1) -> dict[int, int]:
    r"""How many paths there are of each length, {length: paths} from short to long, by dynamic programming (row P02).

    Every node adds `counts(node)` to a path, but for the source where it begins: by default the length is the number of
    edges. For the layers of a traced network: `lambda name: graph.by_name[name].op in ("conv", "linear")`. Lengths
    through $n$ residual blocks are Binomial$(n, 1/2)$. A cycle raises a `ValueError`. Source: {cite:t}`veit2016residual`.
    """
    before = _before(edges)
    sinks = set(before) - {source for sources in before.values() for source in sources}
    ways: dict[Hashable, Counter[int]] = {}
    for node in TopologicalSorter(before).static_order():
        ways[node] = Counter() if before[node] else Counter({0: 1})
        for source in before[node]:
            for length, paths in ways[source].items():
                ways[node][length + int(counts(node))] += paths
    return dict(sorted(sum((ways[sink] for sink in sinks), Counter()).items()))


def residual_wiring(blocks: int) -> list[Edge]:
    """A chain of residual blocks, each a way through its branch and one around it: `branch1`, `join1`, ... (row P02)."""
    demand(blocks >= 1, "blocks", blocks, "at least 1")
    joins = ["input", *(f"join{i}" for i in range(1, blocks + 1))]
    return [
        edge
        for i, (a, b) in enumerate(zip(joins, joins[1:], strict=False), 1)
        for edge in [(a, b), (a, f"branch{i}"), (f"branch{i}", b)]
    ]


def fractal_wiring(columns: int) -> list[Edge]:
    r"""A fractal block, $f_1 = \text{conv}$ and $f_{C+1} = (f_C \circ f_C) \oplus \text{conv}$, as edges (row P04).

    Runs from `input` to `output`. A block of $C$ columns has $2^C - 1$ convolutions (`conv1`, ...), a longest path of
    $2^{C-1}$ of them, and its two halves have the same wiring; every $\oplus$ but the last is a `join`. Source:
    {cite:t}`larsson2016fractalnet`.
    """
    demand(columns >= 1, "columns", columns, "at least 1")
    names: Counter[str] = Counter()

    def new(kind: str) -> str:
        names[kind] += 1
        return f"{kind}{names[kind]}"

    def grow(columns: int, start: str, end: str) -> list[Edge]:
        conv = new("conv")
        around = [(start, conv), (conv, end)]
        if columns == 1:
            return around
        middle = new("join")
        return [*grow(columns - 1, start, middle), *grow(columns - 1, middle, end), *around]

    return grow(columns, "input", "output")


def self_similarity(edges: Iterable[Edge], radius: int = 1) -> float:
    """The share of nodes whose surroundings, up to `radius` edges away, occur elsewhere in the wiring (row P04).

    Surroundings are compared by color refinement: a node's color is its own and those of its neighbors before and after
    it, `radius` times. A measurable stand-in for the advice to increase symmetry. Source: {cite:t}`smith2016design`.
    """
    edges = list(edges)
    demand(bool(edges), "edges", edges, "at least one")
    color: dict[Hashable, object] = {node: 0 for edge in edges for node in edge}
    for _ in range(radius):
        around = {
            node: (
                color[node],
                tuple(sorted(color[a] for a, b in edges if b == node)),
                tuple(sorted(color[b] for a, b in edges if a == node)),
            )
            for node in color
        }
        ranks = {colors: i for i, colors in enumerate(sorted(set(around.values())))}
        color = {node: ranks[colors] for node, colors in around.items()}
    times = Counter(color.values())
    return sum(times[each] > 1 for each in color.values()) / len(color)


def _before(edges: Iterable[Edge]) -> dict[Hashable, list[Hashable]]:
    before: dict[Hashable, list[Hashable]] = defaultdict(list)
    for source, node in edges:
        before[source] += []
        before[node].append(source)
    return dict(before)
