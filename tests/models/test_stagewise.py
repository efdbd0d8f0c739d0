import pytest
import torch
from model_oracles import hollow, maps, parameters
from torch import nn

from cnnlab.models.stagewise import Taylor, fractal_of_fractalnet, stagewise_boosting_net, taylor_series_net
from cnnlab.techniques.fractal import one_column, stagewise_boosting

pytestmark = pytest.mark.rows("H12")
# In the authors' files: (channels in, channels out) of the seven blocks, in columns of four, two and one.
BLOCKS = [(3, 64), (64, 128), (128, 256), (256, 512), (3, 128), (128, 512), (3, 512)]
CONVOLUTIONS = sum(9 * (3 * a * b + 4 * b * b) + 7 * 2 * b for a, b in BLOCKS)
HEAD = (4 * 512 + 1) * 10


def test_the_fractal_of_fractals_has_the_parameters_of_the_authors_seven_blocks():
    assert parameters(fractal_of_fractalnet) == CONVOLUTIONS + HEAD == 38_519_370
    assert sum(isinstance(module, nn.Conv2d) for module in hollow(fractal_of_fractalnet).modules()) == 49


@pytest.mark.parametrize("net", [stagewise_boosting_net, taylor_series_net], ids=lambda net: net.__name__)
def test_the_other_two_add_the_normalization_of_their_sum(net):
    assert parameters(net) == CONVOLUTIONS + HEAD + 2 * 512


@pytest.mark.parametrize("net", [fractal_of_fractalnet, stagewise_boosting_net, taylor_series_net])
def test_32x32_images_reach_the_head_as_2x2_maps(net):
    body = hollow(net)[0]
    assert body(torch.empty(1, 3, 32, 32, device="meta")).shape == (1, 512, 2, 2)


@pytest.mark.parametrize(("column", "blocks"), [(0, 1), (1, 2), (2, 4)])
def test_the_columns_are_one_two_and_four_blocks_deep(column, blocks):
    net = hollow(fractal_of_fractalnet)
    with one_column(net, column):
        assert len(maps(net, (3, 32, 32), (nn.Conv2d,))) == 7 * blocks


def columns(net: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    return net[0].branches(x)


def test_each_join_is_what_its_net_is_named_for():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 32, 32)
    nets = [net(3, 4, width=4).eval() for net in (fractal_of_fractalnet, stagewise_boosting_net, taylor_series_net)]
    with torch.no_grad():
        for net, join in zip(
            nets,
            (lambda a, b, c: (a + b + c) / 3, lambda a, b, c: a + (b + c) / 2, lambda a, b, c: a + b * b + c * c * c),
            strict=True,
        ):
            torch.testing.assert_close(net[0](x), join(*columns(net, x)))


def test_the_taylor_join_of_one_variable_is_its_polynomial_and_its_gradient():
    x = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(Taylor()([x, x, x]), x + x**2 + x**3, rtol=0, atol=1e-12)
    branches = [x.detach().clone().requires_grad_() for _ in range(3)]
    Taylor()(branches).sum().backward()
    for k, branch in enumerate(branches, start=1):
        torch.testing.assert_close(branch.grad, k * x.detach() ** (k - 1), rtol=0, atol=1e-12)


def test_in_a_boosting_step_one_side_of_the_last_join_learns_and_the_other_does_not():
    torch.manual_seed(0)
    net, learned = stagewise_boosting_net(3, 4, width=4, interval="equal"), set()
    shallow = {id(p) for p in net[0].unit.parameters()}
    deep = {id(p) for p in net[0].parameters()} - shallow
    for _ in range(12):
        net.zero_grad()
        net(torch.randn(2, 3, 32, 32)).square().sum().backward()
        moved = {id(p) for p in net[0].parameters() if p.grad is not None and p.grad.any()}
        assert not (moved & shallow and moved & deep)
        learned |= moved
    assert learned & shallow and learned & deep


def test_the_net_and_the_technique_boost_alike():
    branches = [torch.full((1, 1, 1, 1), value) for value in (1.0, 2.0, 6.0)]
    net = stagewise_boosting_net(3, 4, width=4).eval()
    technique = stagewise_boosting([nn.Identity(), nn.Identity()]).eval()
    assert net[0].join(branches) == technique.join(branches) == 1 + (2 + 6) / 2


@pytest.mark.parametrize("net", [stagewise_boosting_net, taylor_series_net], ids=lambda net: net.__name__)
def test_one_column_is_too_few_for_a_join_that_tells_columns_apart(net):
    model = hollow(lambda: net(width=4))
    with one_column(model, 1), pytest.raises(ValueError, match="number of branches must be at least 2.*column; got 1"):
        model(torch.empty(1, 3, 32, 32, device="meta"))
