import pytest
import torch
from model_oracles import hollow, parameters
from torch import nn

from cnnlab.models.preactivation import ORDERS, SHORTCUTS, Gated, Scaled, Through, block, preactivation_resnet
from cnnlab.models.preactivation import shortcut_resnet as with_shortcut

pytestmark = pytest.mark.rows("H05")
X, F = torch.randn(2, 4, 5, 5), torch.randn(2, 4, 5, 5)
# Figure 4 of the paper, (a) to (e): what an input meets in a block, the sum written as +.
FIGURE = {
    "original": "Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d + ReLU",
    "bn after addition": "Conv2d BatchNorm2d ReLU Conv2d + BatchNorm2d ReLU",
    "relu before addition": "Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d ReLU +",
    "relu only": "ReLU Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d +",
    "full": "BatchNorm2d ReLU Conv2d BatchNorm2d ReLU Conv2d +",
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_layers_come_in_the_order_of_the_figure(order):
    model = block(4, 4, order=order)
    graph = torch.fx.symbolic_trace(model).graph
    met = []
    for node in graph.nodes:
        if node.op == "call_module" and not isinstance(model.get_submodule(node.target), nn.Identity):
            met.append(type(model.get_submodule(node.target)).__name__)
        elif node.op == "call_function" and node.target.__name__ == "add":
            met.append("+")
    assert " ".join(met) == FIGURE[order]


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_moves_layers_and_adds_none(order):
    assert parameters(lambda: preactivation_resnet(order=order)) == 269_722


def test_in_a_pre_activation_stage_the_branches_add_up():
    torch.manual_seed(0)
    stage = preactivation_resnet(3, 10, depth=32).double().eval()[1]
    x = torch.randn(2, 16, 8, 8, dtype=torch.float64)
    given = []
    for unit in stage:
        unit.branch.register_forward_hook(lambda _module, _inputs, y: given.append(y))
    with torch.no_grad():
        difference = stage(x) - x
    assert len(given) == 5
    torch.testing.assert_close(difference, sum(given), rtol=0, atol=1e-12)


def test_a_pre_activation_stage_passes_the_gradient_on_unchanged_where_branches_are_silent():
    stage = preactivation_resnet(3, 10, depth=32).eval()[1]
    for unit in stage:
        nn.init.zeros_(unit.branch[-1].weight)
    x = torch.randn(1, 16, 4, 4, requires_grad=True)
    upstream = torch.randn(1, 16, 4, 4)
    assert torch.equal(torch.autograd.grad(stage(x), x, upstream)[0], upstream)


def test_a_full_pre_activation_block_is_timms():
    from timm.layers import BatchNormAct2d, create_conv2d
    from timm.models.resnetv2 import PreActBasic

    theirs = PreActBasic(8, 8, conv_layer=create_conv2d, norm_layer=BatchNormAct2d)
    ours = block(8, 8, order="full")
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_ends_of_a_pre_activation_net_are_activated_once():
    net = hollow(lambda: preactivation_resnet(order="full"))
    kinds = [type(module).__name__ for module in net[0]], [type(module).__name__ for module in net[4]]
    assert kinds == (["Conv2d", "BatchNorm2d", "ReLU"], ["BatchNorm2d", "ReLU"])
    assert isinstance(net[1][0].branch[0], nn.Conv2d)
    assert net[4][0].num_features == 64


def test_table_1_weighs_shortcut_and_branch():
    torch.testing.assert_close(SHORTCUTS["identity"](4)(X, F), X + F)
    torch.testing.assert_close(SHORTCUTS["none"](4)(X, F), F)
    torch.testing.assert_close(SHORTCUTS["half"](4)(X, F), 0.5 * X + F)
    torch.testing.assert_close(SHORTCUTS["half and half"](4)(X, F), 0.5 * X + 0.5 * F)
    torch.testing.assert_close(Scaled(0.25, 2)(X, F), 0.25 * X + 2 * F)


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_gate_shares_between_shortcut_and_branch(exclusive):
    join = Gated(4, exclusive=exclusive, bias=-1.0)
    g = torch.sigmoid(torch.einsum("oc,nchw->nohw", join.weigh.weight[:, :, 0, 0], X) - 1)
    torch.testing.assert_close(join(X, F), (1 - g) * X + (g * F if exclusive else F))


def test_a_gate_at_minus_six_starts_as_nearly_the_identity():
    join = SHORTCUTS["exclusive gating"](4)
    nn.init.zeros_(join.weigh.weight)
    g = 1 / (1 + torch.tensor(6.0).exp())
    torch.testing.assert_close(join(X, F), (1 - g) * X + g * F)
    torch.testing.assert_close(join(X, F), X, rtol=0, atol=0.02)


def test_dropout_on_the_shortcut_halves_it_and_leaves_the_branch():
    torch.manual_seed(0)
    rest = SHORTCUTS["dropout"](4).train()(X, F) - F
    kept = rest.abs() > 1e-6
    torch.testing.assert_close(rest[kept], 2 * X[kept], rtol=1e-4, atol=1e-5)
    assert 0.4 < kept.float().mean() < 0.6
    torch.testing.assert_close(Through(nn.Identity())(X, F), X + F)


def test_each_variant_costs_its_own_parameters():
    widths = [16] * 3 + [32] * 3 + [64] * 3
    gates = sum(c * c + c for c in widths)
    for name in SHORTCUTS:
        extra = gates if "gating" in name else sum(c * c for c in widths) if "1x1" in name else 0
        assert parameters(lambda name=name: with_shortcut(around=name)) == 269_722 + extra


def test_unknown_orders_and_shortcuts_list_the_choices():
    with pytest.raises(ValueError, match='order of layers "half" is unknown; choose one of: bn after addition, full'):
        preactivation_resnet(order="half")
    with pytest.raises(ValueError, match='shortcut "skip" is unknown; choose one of: 1x1 conv, dropout'):
        with_shortcut(around="skip")
