import functools

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from cnnlab.arithmetic.memory import Memory, inference_memory, training_memory
from cnnlab.config import Model
from cnnlab.models import MODELS, build
from cnnlab.models.plain import Plain
from cnnlab.techniques.paths import StochasticDepth

pytestmark = pytest.mark.rows("M01")


def measured(net: nn.Module, *inputs: Tensor) -> int:
    """Bytes of the distinct storages that a real training step keeps, weights apart."""
    weights = {each.untyped_storage().data_ptr() for each in (*net.parameters(), *net.buffers())}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.detach()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = net.train()(*inputs)
    sizes = {key: each.untyped_storage().nbytes() for key, each in kept.items() if key not in weights}
    assert output is not None  # still there, so no address was given twice
    return sum(sizes.values())


def torchvision_net(name: str, **settings) -> nn.Module:
    import torchvision

    return getattr(torchvision.models, name)(**settings)


NETS = {
    "alexnet": lambda: torchvision_net("alexnet"),
    "resnet18": lambda: torchvision_net("resnet18"),
    "densenet121": lambda: torchvision_net("densenet121"),
    "mobilenet_v3_small": lambda: torchvision_net("mobilenet_v3_small"),
    "squeezenet1_1": lambda: torchvision_net("squeezenet1_1"),
    "shufflenet_v2_x0_5": lambda: torchvision_net("shufflenet_v2_x0_5"),
    "vit": lambda: torchvision_net(
        "VisionTransformer",
        image_size=64,
        patch_size=16,
        num_layers=2,
        num_heads=2,
        hidden_dim=32,
        mlp_dim=64,
        dropout=0.1,
    ),
    "plain": lambda: Plain(3, 10),
    "pools and dropout": lambda: nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.BatchNorm2d(8), nn.Dropout2d(), nn.ELU()),
        *(nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(8 * 15 * 15, 10)),
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_saved_activations_agree_with_a_real_step(name):
    net, images = NETS[name](), torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert training_memory(net, (2, 3, 64, 64)).activations == pytest.approx(measured(net, images), rel=0.15)


def test_attention_is_counted_unfused_and_so_bounded_from_above():
    class Attention(nn.MultiheadAttention):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x, x, x, need_weights=False)[0]

    net, t = Attention(64, 8, batch_first=True), 256
    counted, real = training_memory(net, (1, t, 64)).activations, measured(net, torch.rand(1, t, 64))
    weights = 8 * t * t * 4  # one of each pair of places, in each head
    assert real < weights < counted


@pytest.mark.parametrize("name", MODELS)
def test_every_model_can_be_counted_in_training_mode(name):
    _, reads = MODELS[name]
    with torch.device("meta"):
        net = build(Model(model=name, **({"width": 4} if "width" in reads else {})), in_channels=3, classes=4)
    memory = training_memory(net, (2, 3, 32, 32))
    assert memory.activations > 2 * 3 * 32 * 32 * 4
    assert memory.gradients == 4 * sum(p.numel() for p in net.parameters())


def test_stochastic_depth_is_counted_with_all_of_its_branches():
    stochastic = nn.Sequential(*(StochasticDepth(nn.Conv2d(4, 4, 1), 0.9) for _ in range(3)))
    plain = nn.Sequential(*(StochasticDepth(nn.Conv2d(4, 4, 1), 0.0) for _ in range(3)))
    want = measured(plain, torch.rand(2, 4, 8, 8))
    assert training_memory(stochastic, (2, 4, 8, 8)).activations == want == 3 * 2 * 4 * 8 * 8 * 4


def test_inference_mode_changes_nothing():
    net = nn.Sequential(nn.Linear(10, 4), nn.ReLU(), nn.Linear(4, 2))
    counts = training_memory(net, (3, 10)), inference_memory(net, (3, 10))
    with torch.inference_mode():
        assert (training_memory(net, (3, 10)), inference_memory(net, (3, 10))) == counts
    assert counts[0].activations == 3 * (10 + 4) * 4


@functools.cache
def vgg16() -> nn.Module:
    with torch.device("meta"):
        return torchvision_net("vgg16")


def test_vgg16_needs_what_the_sheet_says():
    memory = training_memory(vgg16(), (1, 3, 224, 224), copies=1)
    assert (
        memory.weights == memory.gradients == memory.state == 138_357_544 * 4
    )  # 527.8 MiB each: three times with momentum
    assert str(memory).splitlines()[0] == "weights          527.8 MiB"
    assert str(memory).splitlines()[-1].startswith("total")


def test_activations_grow_with_the_batch_and_weights_do_not():
    one, eight = (training_memory(vgg16(), (n, 3, 224, 224)) for n in (1, 8))
    assert eight.activations == 8 * one.activations
    assert eight.weights == one.weights


@pytest.mark.parametrize("copies", [0, 1, 2])
def test_the_optimizers_state_by_hand(copies):
    net = nn.Linear(10, 4)
    optimizer = [
        torch.optim.SGD(net.parameters(), lr=0.1),
        torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9),
        torch.optim.Adam(net.parameters()),
    ][copies]
    net(torch.ones(2, 10)).sum().backward()
    optimizer.step()
    buffers = [v for state in optimizer.state.values() for v in state.values() if torch.is_tensor(v) and v.ndim]
    memory = training_memory(net, (2, 10), copies=copies)
    assert memory == Memory(176, 176, sum(v.nbytes for v in buffers), 2 * 10 * 4)
    assert memory.total == 176 * (2 + copies) + 80


def test_frozen_weights_need_no_gradient():
    net = nn.Sequential(nn.Linear(10, 4), nn.Linear(4, 2))
    net[0].requires_grad_(False)
    memory = training_memory(net, (3, 10), copies=2)
    assert (memory.weights, memory.gradients, memory.state) == (54 * 4, 10 * 4, 80)
    assert memory.activations == 3 * 4 * 4  # what enters the layer that trains


def test_half_precision_halves():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
    full, half = training_memory(net, (2, 3, 16, 16)), training_memory(net.half(), (2, 3, 16, 16))
    assert half.total * 2 == full.total


def test_a_block_keeps_two_maps_with_and_without_an_in_place_relu():
    def net(inplace: bool) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace), nn.Conv2d(8, 8, 1))

    maps = 2 * 8 * 16 * 16 * 4
    image = 2 * 3 * 16 * 16 * 4
    for inplace in (True, False):
        kept = training_memory(net(inplace), (2, 3, 16, 16)).activations
        assert kept == image + 2 * maps + 2 * 8 * 4  # what enters the norm, its statistics, what leaves the ReLU
        peak = inference_memory(net(inplace), (2, 3, 16, 16)).activations
        assert peak == pytest.approx(image + 2 * maps, rel=0.01)  # the caller's image, an operand and a result


def test_inference_holds_a_skip_and_frees_a_chain():
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (nn.Conv2d(4, 4, 1) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            y = self.a(x)
            return y + self.c(self.b(y))

    one = 4 * 8 * 8 * 4
    chain = nn.Sequential(*(nn.Conv2d(4, 4, 1) for _ in range(5)))
    assert inference_memory(chain, (1, 4, 8, 8)).activations == 3 * one  # the caller's input, an operand, a result
    assert inference_memory(Skip(), (1, 4, 8, 8)).activations == 4 * one  # input, y, b(y), c(b(y))
    assert inference_memory(chain, (1, 4, 8, 8)).weights == 5 * 20 * 4


def test_the_module_stays_as_it_was():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout()).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    training_memory(net, (2, 3, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(module.training for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


class Decides(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def test_what_cannot_be_counted_says_why():
    with pytest.raises(ValueError, match=r"copies must be 0 \(plain SGD\), 1 \(momentum\) or 2 \(Adam\); got 3"):
        training_memory(nn.Linear(1, 1), (1, 1), copies=3)
    for count in (training_memory, inference_memory):
        with pytest.raises(ValueError, match="asks for the values of a tensor"):
            count(Decides(), (1, 3))
