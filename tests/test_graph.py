import json
from dataclasses import asdict

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.graph import operations, trace


class Block(nn.Module):
    """A residual block whose convolution is a function, and whose join is in place."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, channels, 3, 3))
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] < 3:  # a branch on a shape stops symbolic tracing, and is none of our business
            return x
        y = self.norm(F.conv2d(x, self.weight, padding=1))
        y += x
        return y.relu_()


def test_a_block_is_read_as_the_operations_it_runs():
    graph = trace(nn.Sequential(Block(4), nn.AvgPool2d(2)), (2, 4, 8, 8))
    assert [(node.name, node.op) for node in graph.nodes] == [
        ("input", "input"),
        ("0", "conv"),
        ("0.norm", "batch_norm"),
        ("0#2", "add"),
        ("0#3", "relu"),
        ("1", "avg_pool"),
    ]
    assert graph.edges == [
        ("input", "0"),
        ("0", "0.norm"),
        ("0.norm", "0#2"),
        ("input", "0#2"),
        ("0#2", "0#3"),
        ("0#3", "1"),
    ]
    assert graph.outputs == ("1",)
    conv, pool = graph.by_name["0"], graph.by_name["1"]
    assert (conv.kernel, conv.stride, conv.groups, conv.parameters, conv.shape) == (
        (3, 3),
        (1, 1),
        1,
        144,
        (2, 4, 8, 8),
    )
    assert (pool.kernel, pool.stride, pool.shape) == ((2, 2), (2, 2), (2, 4, 4, 4))


def test_layer_and_function_are_read_alike():
    class Functions(nn.Module):
        def __init__(self, layer: nn.Linear):
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            return torch.addmm(self.layer.bias, x.clamp_min(0), self.layer.weight.t())

    def facts(graph):
        return [(node.op, node.parameters, node.shape) for node in graph.nodes if node.parameters]

    layer = nn.Linear(5, 3)
    assert (
        facts(trace(Functions(layer), (2, 5)))
        == facts(trace(nn.Sequential(nn.ReLU(), layer), (2, 5)))
        == [("linear", 18, (2, 3))]
    )


def test_the_module_stays_as_it_was():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.ReLU(inplace=True))
    net[1].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    random = torch.get_rng_state()
    trace(net, (2, 3, 9, 9))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert modes == [module.training for module in net.modules()]
    assert all(parameter.grad is None and parameter.device.type == "cpu" for parameter in net.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert torch.equal(random, torch.get_rng_state())


def test_a_graph_is_plain_data():
    graph = trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2)), (1, 3, 3, 3))
    plain = json.loads(json.dumps(asdict(graph)))
    assert [node["op"] for node in plain["nodes"]] == ["input", "conv", "view", "linear"]


def test_a_shared_layer_counts_its_parameters_once():
    layer = nn.Conv2d(4, 4, 1)
    graph = trace(nn.Sequential(layer, nn.ReLU(), layer), (1, 4, 5, 5))
    assert [node.parameters for node in graph.nodes] == [0, 20, 0, 0]


def test_weights_that_are_computed_count_where_they_are_used():
    net = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    (conv,) = (node for node in trace(net, (1, 3, 5, 5)).nodes if node.op == "conv")
    assert conv.parameters == 4 * 3 * 9 + 4 + 4


def test_unused_operations_are_in_operations_only():
    class Unused(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            x.exp()
            return x.tanh()

    assert [node.op for node in trace(Unused(), (1, 2)).nodes] == ["input", "tanh"]
    assert [node.op for node in operations(Unused(), (1, 2))] == ["input", "exp", "tanh"]


def test_a_write_into_a_view_reaches_the_whole_tensor():
    class Write(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = torch.zeros_like(x)
            y[:, :1] = x[:, 1:].exp()
            return y + 1

    graph = trace(Write(), (1, 2, 4, 4))
    assert "exp" in [node.op for node in graph.nodes]
    assert graph.by_name[graph.nodes[-1].inputs[0]].op == "copy of a view"


def test_several_inputs_and_outputs_and_integers():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(10, 4)

        def forward(self, index: Tensor, x: Tensor) -> dict[str, Tensor]:
            return {"sum": self.table(index) + x, "x": x.neg()}

    graph = trace(Two(), torch.zeros(3, dtype=torch.int64), (3, 4))
    assert graph.outputs == ("forward", "forward#2")
    assert [node.shape for node in graph.nodes if node.op == "input"] == [(3,), (3, 4)]


def test_inference_mode_changes_nothing():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    graph = trace(net, (2, 3, 3, 3))
    with torch.inference_mode():
        assert trace(net, (2, 3, 3, 3)) == graph
        made_inside = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    assert trace(made_inside, (2, 3, 3, 3)) == graph


def test_a_module_in_inference_mode_of_its_own_is_read_in_the_same_operations():
    class Frozen(nn.Sequential):
        @torch.inference_mode()
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)

    layers = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2)]
    graph = trace(nn.Sequential(*layers), (2, 3, 3, 3))
    assert [node.op for node in graph.nodes] == ["input", "conv", "batch_norm", "view", "linear"]
    assert trace(Frozen(*layers), (2, 3, 3, 3)) == graph


class Decides(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Selects(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[x > 0]


class Elsewhere(nn.Module):
    """Takes a tensor that is in a list, where no module knows it."""

    def __init__(self):
        super().__init__()
        self.means = [torch.ones(3)]

    def forward(self, x: Tensor) -> Tensor:
        return x - self.means[0]


class Collects(nn.Module):
    """Keeps what it gave out, gradients included."""

    def __init__(self):
        super().__init__()
        self.layer, self.seen = nn.Linear(3, 2), []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(self.layer(x))
        return self.seen[-1]


def test_what_an_earlier_run_left_says_so():
    net = Collects()
    trace(net, (1, 3))
    net(torch.ones(1, 3))
    with pytest.raises(ValueError, match="holds tensors of an earlier run with their gradients, as in a list; detach"):
        trace(net, (1, 3))


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_a_scripted_module_says_what_to_give_instead():
    with pytest.raises(ValueError, match="a scripted module cannot be read; give the module that it was made from"):
        trace(nn.Sequential(torch.jit.trace(nn.Linear(3, 2), torch.ones(1, 3))), (1, 3))


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        (Decides(), (1, 3), "_local_scalar_dense asks for the values of a tensor, and a module is read by its shapes"),
        (Selects(), (1, 3), "asks for the values of a tensor"),
        (Elsewhere(), (1, 3), "sub takes a tensor on cpu that the module does not hold .* register it as a buffer"),
        (
            nn.Identity(),
            (0, 3),
            r"an input must be a tensor or its shape, positive integers with the batch first; got \(0, 3\)",
        ),
        (nn.Identity(), 3, "an input must be a tensor or its shape"),
        (nn.LazyLinear(3), (1, 3), "a lazy layer has no shape before its first batch; run the module once"),
    ],
    ids=["bool", "mask", "list", "empty", "int", "lazy"],
)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_what_cannot_be_read_says_why(module, shape, message):
    with pytest.raises(ValueError, match=message):
        trace(module, shape)
