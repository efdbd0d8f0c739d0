import networkx
import pytest
import torch
from torch import fx, nn

from cnnlab.techniques import fractal
from cnnlab.techniques.fractal import FractalBlock, conv_unit, one_column
from cnnlab.techniques.freezing import FreezeDropPath
from cnnlab.techniques.paths import DropPathMean

COLUMNS = [1, 2, 3, 4, 5]


def small_unit(in_channels: int, out_channels: int, rows: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 1)


def wiring(block: nn.Module) -> networkx.MultiDiGraph:
    """The block as torch.fx sees it, from `input` to `output`; nodes that are convolutions have the mark `conv`."""
    graph = networkx.MultiDiGraph()
    traced = fx.symbolic_trace(block.eval())
    for node in traced.graph.nodes:
        conv = node.op == "call_module" and isinstance(traced.get_submodule(node.target), nn.Conv2d)
        name = {"placeholder": "input", "output": "output"}.get(node.op, node.name)
        graph.add_node(name, conv=conv)
        arguments = list(node.args[0]) if node.target is torch.stack else node.all_input_nodes
        graph.add_edges_from(("input" if each.op == "placeholder" else each.name, name) for each in arguments)
    return graph


def paths(graph: networkx.MultiDiGraph) -> tuple[int, int]:
    """How many ways lead from input to output, and the most convolutions on one of them."""
    ways, depth = {"input": 1}, {"input": 0}
    for node in list(networkx.topological_sort(graph))[1:]:
        before = [start for start, _ in graph.in_edges(node)]
        ways[node] = sum(ways[each] for each in before)
        depth[node] = max(depth[each] for each in before) + graph.nodes[node]["conv"]
    return ways["output"], depth["output"]


@pytest.mark.rows("H11", "P04")
@pytest.mark.parametrize(("columns", "count"), zip(COLUMNS, [1, 2, 5, 26, 677], strict=True))
def test_a_fractal_has_the_paths_convolutions_and_depth_of_the_recursion(columns, count):
    graph = wiring(FractalBlock(2, 2, columns=columns, make=small_unit))
    assert paths(graph) == (count, 2 ** (columns - 1))
    assert sum(conv for _, conv in graph.nodes(data="conv")) == 2**columns - 1


@pytest.mark.rows("P04")
@pytest.mark.parametrize("columns", [2, 3, 4])
def test_the_two_halves_of_a_fractal_are_isomorphic_and_the_unit_beside_them_is_not(columns):
    block = FractalBlock(2, 2, columns=columns, make=small_unit)
    first, second = wiring(block.first), wiring(block.second)
    match = networkx.algorithms.isomorphism.categorical_node_match("conv", False)
    assert networkx.is_isomorphic(first, second, node_match=match)
    assert columns == 2 or not networkx.is_isomorphic(first, wiring(block.unit), node_match=match)


@pytest.mark.rows("H11")
def test_five_blocks_of_three_columns_have_the_convolution_weights_of_fractalnet():
    widths = [3, 64, 128, 256, 512, 512]
    with torch.device("meta"):
        net = nn.Sequential(*(FractalBlock(a, b) for a, b in zip(widths, widths[1:], strict=False)))
        convs = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert len(convs) == 5 * 7
    assert sum(conv.weight.numel() for conv in convs) == 33_698_880


@pytest.mark.rows("H11", "R08")
@pytest.mark.parametrize("column", [0, 1, 2, 3])
@pytest.mark.parametrize("training", [True, False])
def test_one_column_alone_is_a_plain_chain_that_computes_nothing_else(column, training):
    torch.manual_seed(0)
    block = FractalBlock(3, 4, columns=4).train(training)
    x, called = torch.randn(2, 3, 5, 5), []
    for module in block.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, *_: called.append(module))
    with one_column(block, column), torch.no_grad():
        got = block(x)
    assert len(called) == len(set(called)) == 2**column
    units = {module[0]: module for module in block.modules() if isinstance(module, nn.Sequential)}
    for conv in list(called):
        x = units[conv](x)
    torch.testing.assert_close(got, x, rtol=0, atol=1e-6)


@pytest.mark.rows("H11")
def test_one_column_holds_for_every_block_of_a_net_and_ends_with_the_with():
    torch.manual_seed(0)
    net, x = nn.Sequential(FractalBlock(3, 4), nn.MaxPool2d(2), FractalBlock(4, 5)).eval(), torch.randn(2, 3, 6, 6)
    whole = net(x)
    with one_column(net, 2) as same:
        assert same is net
        alone = net(x)
        assert [block.column for block in (net[0], net[2])] == [2, 2]
    assert not torch.allclose(alone, whole) and torch.equal(net(x), whole)
    with one_column(net, None):
        assert torch.equal(net(x), whole)


@pytest.mark.rows("H11")
def test_a_fractal_of_three_columns_written_out_by_hand():
    torch.manual_seed(0)
    block, x = FractalBlock(3, 4, make=small_unit).eval(), torch.randn(2, 3, 5, 5)
    first, second = block.first, block.second
    middle = (first.unit(x) + first.second.unit(first.first.unit(x))) / 2
    want = (block.unit(x) + second.unit(middle) + second.second.unit(second.first.unit(middle))) / 3
    torch.testing.assert_close(block(x), want)
    pooled = FractalBlock(3, 4, make=small_unit, pool=nn.MaxPool2d(2)).eval()
    pooled.load_state_dict(block.state_dict())
    pool = nn.MaxPool2d(2)
    torch.testing.assert_close(pooled(x), sum(pool(branch) for branch in block.branches(x)) / 3)  # pool, then join


@pytest.mark.rows("R08", "H11")
def test_local_drop_path_never_drops_everything_and_is_absent_from_evaluation():
    torch.manual_seed(0)
    block = FractalBlock(2, 2, columns=3, make=small_unit, drop_path=0.6)
    for unit in block.modules():
        if isinstance(unit, nn.Conv2d):  # every unit doubles, so a path of m units gives 2^m
            nn.init.eye_(unit.weight.data[:, :, 0, 0]).mul_(2)
            nn.init.zeros_(unit.bias)
    x = torch.ones(1, 2, 1, 1)
    outputs = torch.stack([block(x) for _ in range(300)]).unique()
    assert outputs.min() == 2 and outputs.max() == 16 and len(outputs) > 5
    assert block.eval()(x).unique().item() == pytest.approx((2 + (2 + 4) / 2 * (2 + 4)) / 3)


@pytest.mark.rows("H12")
def test_a_fractal_of_fractals_has_the_authors_49_convolutions_and_sizes():
    with torch.device("meta"):
        block = fractal.fractal_of_fractals(3, (64, 128, 256, 512))
        convs = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
        assert block.eval()(torch.empty(1, 3, 32, 32)).shape == (1, 512, 2, 2)
    assert len(convs) == 7 * 7
    outputs = [m.out_channels for m in convs]  # conv*_0 to conv*_27 of FoF.prototxt, seven to a block
    assert {width: outputs.count(width) for width in (64, 128, 256, 512)} == {64: 7, 128: 14, 256: 7, 512: 21}


@pytest.mark.rows("H12")
def test_the_average_pooling_variant_differs_in_its_pools_only():
    torch.manual_seed(0)
    net = fractal.fractal_of_fractals(3, (4, 5), columns=2, pool=nn.AvgPool2d)
    kinds = [type(m) for m in net.modules() if isinstance(m, nn.MaxPool2d | nn.AvgPool2d)]
    assert kinds == [nn.AvgPool2d] * 4  # two for the unit beside both rows, one for each of the others
    twin = fractal.fractal_of_fractals(3, (4, 5), columns=2)
    assert [p.shape for p in net.parameters()] == [p.shape for p in twin.parameters()]


@pytest.mark.rows("H12")
def test_a_fractal_that_joins_by_freeze_drop_path_trains_one_column():
    torch.manual_seed(0)
    block = FractalBlock(2, 2, columns=2, make=small_unit, drop_path=0.0)
    block.join = FreezeDropPath(interval="equal", cycle=2)
    block(torch.randn(1, 2, 3, 3)).sum().backward()
    assert block.unit.weight.grad.any() and not block.first.unit.weight.grad.any()
    block.zero_grad()
    block(torch.randn(1, 2, 3, 3)).sum().backward()
    assert block.second.unit.weight.grad.any() and not block.unit.weight.grad.any()


@pytest.mark.rows("H12")
def test_a_taylor_series_of_identities_is_the_polynomial():
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    torch.testing.assert_close(fractal.taylor_series([nn.Identity()] * 3)(x), x + x**2 + x**3)


@pytest.mark.rows("H12")
def test_the_gradient_of_a_taylor_sum_by_branch_k_is_k_times_its_lower_power():
    xs = [torch.randn(5, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    fractal.taylor_sum(xs).sum().backward()
    for k, x in enumerate(xs, start=1):
        torch.testing.assert_close(x.grad, k * x.detach() ** (k - 1), rtol=0, atol=1e-6)


@pytest.mark.rows("H12")
def test_stagewise_boosting_adds_the_mean_of_the_deeper_stages_and_trains_one_side():
    torch.manual_seed(0)
    stages = [nn.Linear(2, 3) for _ in range(3)]
    net, x = fractal.stagewise_boosting(stages, interval="decreasing", cycle=5), torch.randn(4, 2)
    first, second, third = (stage(x) for stage in stages)
    torch.testing.assert_close(net.eval()(x), first + (second + third) / 2)
    net.train()(x).sum().backward()  # the first four steps of five are the first stage's
    assert [bool(stage.weight.grad.any()) for stage in stages] == [True, False, False]
    with pytest.raises(ValueError, match="the number of branches must be at least 2 to be boosted.*; got 1"):
        fractal.stagewise_boosting(stages[:1])(x)


@pytest.mark.rows("H11")
def test_a_column_that_one_block_lacks_leaves_no_block_with_a_selection():
    blocks = nn.Sequential(*(FractalBlock(2, 2, columns=columns, make=small_unit) for columns in (3, 2)))
    with pytest.raises(ValueError, match="column must be None or 0 to 1; got 2"), one_column(blocks, 2):
        pass
    assert [module.column for module in blocks.modules() if isinstance(module, FractalBlock)] == [None] * 10


@pytest.mark.rows("H11")
def test_a_conv_unit_keeps_the_size_and_normalizes():
    torch.manual_seed(0)
    y = conv_unit(3, 16)(torch.randn(64, 3, 8, 8)).detach()
    assert y.shape == (64, 16, 8, 8) and (y >= 0).all()
    assert y.square().mean() == pytest.approx(0.5, abs=0.02)  # half of a unit Gaussian's square is positive


def test_the_join_of_a_block_is_drop_path_with_its_probability():
    joins = [m for m in FractalBlock(2, 2, drop_path=0.3).modules() if isinstance(m, DropPathMean)]
    assert {join.p for join in joins} == {0.3} and len(joins) == 7
