import math
from collections import Counter

import networkx
import pytest
import torch

from cnnlab.arithmetic.paths import count_paths, fractal_wiring, length_histogram, residual_wiring, self_similarity
from cnnlab.graph import trace


def resnet18() -> torch.nn.Module:
    import torchvision

    with torch.device("meta"):
        return torchvision.models.resnet18()


def is_branch(node: str) -> bool:
    return node.startswith("branch")


def is_conv(node: str) -> bool:
    return node.startswith("conv")


@pytest.mark.rows("P02")
def test_54_residual_blocks_have_2_to_the_54_paths_of_mean_length_27():
    lengths = length_histogram(residual_wiring(54), is_branch)
    assert count_paths(residual_wiring(54)) == 18_014_398_509_481_984 == sum(lengths.values())
    assert lengths == {k: math.comb(54, k) for k in range(55)}
    assert sum(k * paths for k, paths in lengths.items()) == 27 * 2**54


@pytest.mark.rows("P02")
def test_fractal_paths():
    assert [count_paths(fractal_wiring(c)) for c in range(1, 6)] == [1, 2, 5, 26, 677]


@pytest.mark.rows("P02")
@pytest.mark.parametrize("seed", range(15))
def test_random_wirings_agree_with_listing_all_paths(seed):
    generator = torch.Generator().manual_seed(seed)
    edges = [(a, b) for a in range(7) for b in range(a + 1, 7) if torch.rand((), generator=generator) < 0.5]
    graph = networkx.DiGraph(edges)
    sources = [n for n in graph if not graph.in_degree(n)]
    sinks = [n for n in graph if not graph.out_degree(n)]
    listed = [p for a in sources for b in sinks for p in networkx.all_simple_paths(graph, a, b)]
    assert length_histogram(edges) == dict(Counter(len(path) - 1 for path in listed))
    assert count_paths(edges) == len(listed)


@pytest.mark.rows("P02")
def test_two_edges_are_two_ways():
    assert count_paths([("a", "b"), ("a", "b"), ("b", "c")]) == 2


@pytest.mark.rows("P02")
def test_a_traced_resnet18_has_two_ways_through_each_of_its_eight_blocks():
    graph = trace(resnet18(), (1, 3, 224, 224))
    lengths = length_histogram(graph.edges, lambda name: graph.by_name[name].op in ("conv", "linear"))
    # the stem and the head are 2 layers; 5 blocks add 0 or 2, the 3 with a projection 1 or 2
    want = Counter()
    for plain in range(6):
        for projected in range(4):
            want[2 + 2 * plain + 3 + projected] += math.comb(5, plain) * math.comb(3, projected)
    assert lengths == dict(sorted(want.items()))
    assert count_paths(graph.edges) == 2**8


@pytest.mark.rows("P02")
def test_fx_reads_the_same_paths():
    nodes = torch.fx.symbolic_trace(resnet18()).graph.nodes
    edges = [(source.name, node.name) for node in nodes for source in node.all_input_nodes]
    assert count_paths(trace(resnet18(), (1, 3, 64, 64)).edges) == count_paths(edges)


@pytest.mark.rows("P02")
def test_a_cycle_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        count_paths([("a", "b"), ("b", "a")])


def between(edges, start, end):
    graph = networkx.DiGraph(edges)
    inside = (networkx.descendants(graph, start) | {start}) & (networkx.ancestors(graph, end) | {end})
    return graph.subgraph(inside)


@pytest.mark.rows("P04")
@pytest.mark.parametrize("columns", range(1, 7))
def test_a_fractal_block_counts_and_is_as_deep_as_the_paper_says(columns):
    edges = fractal_wiring(columns)
    assert sum(is_conv(node) for node in {n for edge in edges for n in edge}) == 2**columns - 1
    assert max(length_histogram(edges, is_conv)) == 2 ** (columns - 1)
    assert min(length_histogram(edges, is_conv)) == 1


@pytest.mark.rows("P04")
@pytest.mark.parametrize("columns", range(2, 6))
def test_the_halves_of_a_fractal_are_the_smaller_fractal(columns):
    edges = fractal_wiring(columns)
    around = next(node for node in networkx.DiGraph(edges)["input"] if set(networkx.DiGraph(edges)[node]) == {"output"})
    inner = [edge for edge in edges if around not in edge]
    smaller = networkx.DiGraph(fractal_wiring(columns - 1))
    before = networkx.immediate_dominators(networkx.DiGraph(inner), "input")
    middle = before["output"] if before["output"].startswith("join") else before[before["output"]]
    for start, end in [("input", middle), (middle, "output")]:
        assert networkx.is_isomorphic(between(inner, start, end), smaller)


@pytest.mark.rows("P04")
def test_the_wiring_of_two_columns_is_written_out():
    assert sorted(fractal_wiring(2)) == sorted(
        [
            *[("input", "conv1"), ("conv1", "output")],
            *[("input", "conv2"), ("conv2", "join1"), ("join1", "conv3"), ("conv3", "output")],
        ]
    )


@pytest.mark.rows("P04")
def test_self_similarity_between_all_and_nothing_alike():
    ladder = [(a, b) for a in "ab" for b in "cd"]  # a and b alike, c and d alike
    assert self_similarity(ladder, 3) == 1
    assert (
        self_similarity([(0, 1), (1, 2), (2, 3)], 3) == 0
    )  # each place of a chain is at another distance from its ends
    assert self_similarity([(0, 1), (1, 2), (2, 3)], 1) == 0.5  # but its two middle places look alike from nearby


@pytest.mark.rows("P04")
@pytest.mark.parametrize("radius", [1, 2, 3])
def test_self_similarity_agrees_with_networkx_refinement(radius):
    edges = fractal_wiring(4)
    for removed in range(len(edges)):
        part = edges[:removed] + edges[removed + 1 :]
        graph = networkx.DiGraph(part)

        def label(node, depth, graph=graph):
            if depth == 0:
                return ()
            before = tuple(sorted(repr(label(n, depth - 1)) for n in graph.predecessors(node)))
            after = tuple(sorted(repr(label(n, depth - 1)) for n in graph.successors(node)))
            return (before, after, repr(label(node, depth - 1)))

        labels = [label(node, radius) for node in graph]
        want = sum(labels.count(each) > 1 for each in labels) / len(labels)
        assert self_similarity(part, radius) == pytest.approx(want)
        if radius > 1 and removed > 3:
            break


@pytest.mark.rows("P04")
def test_a_fractal_is_more_alike_than_the_same_convolutions_with_joins_taken_out():
    broken = [edge for edge in fractal_wiring(4) if edge not in [("conv1", "output"), ("conv3", "join2")]]
    assert self_similarity(fractal_wiring(4), 2) > self_similarity(broken, 2)


@pytest.mark.rows("P02", "P04")
def test_too_few_are_refused():
    with pytest.raises(ValueError, match="columns must be at least 1; got 0"):
        fractal_wiring(0)
    with pytest.raises(ValueError, match="blocks must be at least 1; got 0"):
        residual_wiring(0)
    with pytest.raises(ValueError, match=r"edges must be at least one; got \[\]"):
        self_similarity([])
