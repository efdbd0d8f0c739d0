"""What crosses between the two sides, and what does not: the two ends in two processes, without a sandbox."""

import copy
import math
import os
import socket
import struct
import types

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cnnlab.grading.answers_side import AnswersSide
from cnnlab.grading.channel import HEAD, Broken, Channel, TooLarge
from cnnlab.grading.remote import NotGradable, Remote
from cnnlab.grading.tests_side import Examiner

ANSWERS = """
import numpy as np
import torch
from torch import nn

counter = []

def same(x, *more, **named): return x
def kind(x): return f"{type(x).__module__}.{type(x).__qualname__}"
def change(numbers, table, several, array):
    numbers.append(3); table["new"] = 1; several.add(9); array[0] = 7
def add_in_place(x): x += 1
def write_data(x): x.data.mul_(2)
def write_numpy(x): x.detach().numpy()[0] = 5
def aliased(a, b): a += 1; return a is b
def twice(f): return lambda x: f(f(x))
def raises(): raise ValueError("no good")
def raises_own():
    class Odd(Exception): pass
    raise Odd("strange")
def calls(f, *x): return f(*x)
def swallow(f):
    try: f()
    except Exception as error: return f"{type(error).__name__}: {error}"
def cube(x): return x ** 3
def noise(n): return torch.randn(n)
def grad_mode(): return torch.is_grad_enabled(), torch.is_inference_mode_enabled(), str(torch.get_default_dtype())
def consume(items): return [x for x in items]
def count(n):
    for i in range(n): yield i
def swap(model): model[1] = nn.ELU()
def hook(model): model[0].register_forward_hook(lambda *_: None)
def freeze(model): model.eval()
def rescale(model):
    with torch.no_grad(): model[0].weight *= 3
def replace(model): model[0].weight = nn.Parameter(torch.zeros(2, 2))
def loss_back(model, x): model(x).square().sum().backward()
def layers(model): return [type(m).__name__ for m in model.modules()]
def hooked(model, x):
    seen = []
    handles = [m.register_forward_hook(lambda m, i, o: seen.append(type(m).__name__)) for m in model.modules()]
    model(x)
    for handle in handles: handle.remove()
    return seen
def subclassed(x):
    class Mine(torch.Tensor): pass
    return x.as_subclass(Mine)
def strange(): return [object(), type("Str", (str,), {})("a"), type("Int", (int,), {})(1)]

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Linear(width, 2)
        self.width, self.act = width, torch.relu
    def forward(self, x): return self.head(self.norm(self.act(self.conv(x))).mean((2, 3)))
    def area(self): return self.width * 9

def chain(): return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5))

class Descent:
    def __init__(self, parameters, lr): self.parameters, self.lr = list(parameters), lr
    @torch.no_grad()
    def step(self):
        for p in self.parameters: p -= self.lr * p.grad

class Pair:
    def __init__(self, a, b): self.a, self.b = a, b
    def __add__(self, other): return Pair(self.a + other.a, self.b + other.b)
    def __len__(self): return 2
    def __getitem__(self, i): return (self.a, self.b)[i]
    def __enter__(self): self.a = "in"; return self
    def __exit__(self, *error): self.a = "out"; return True
    def __eq__(self, other): return True
    __lt__ = __gt__ = __le__ = __ge__ = __contains__ = __eq__
    __hash__ = None

weight = torch.ones(2, requires_grad=True)
def weigh(x): return (weight * x).sum()
"""


@pytest.fixture(scope="module")
def answers():
    """The names of `ANSWERS`, as a test sees them."""
    here, there = socket.socketpair()
    if not os.fork():
        here.close()
        names: dict = {"__name__": "__main__"}
        exec(ANSWERS, names)  # noqa: S102
        try:
            AnswersSide(Channel(there), names).serve()
        finally:
            os._exit(0)
    there.close()
    side = Examiner(Channel(here), {})
    names = [name for name in compile(ANSWERS, "", "exec").co_names if name not in ("np", "torch", "nn", "numpy")]
    yield types.SimpleNamespace(side=side, **side.ask("names", names))
    here.close()
    os.wait()


VALUES = [
    *(None, True, False, 0, -7, 2**4000, 0.1, math.inf, -0.0, 1 + 2j, ..., "", "é\udcff\0", b"\0\xff", range(2, 9, 3)),
    *([], [1, [2.5, None]], (), ("a", (1,)), {"a": 1, (2, 3): [4]}, {1, 2}, frozenset({3}), slice(1, None, 2)),
    *(torch.Size((2, 3)), torch.float16, torch.device("cpu"), np.float32(1.5), np.int64(3), np.bool_(True)),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(answers, value):
    back = answers.same(value)
    assert type(back) is type(value) and back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float32", "float64", "int8", "uint8", "int64", "bool", "complex64"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_a_tensor_crosses_to_the_bit(answers, dtype, shape):
    value = (torch.randn(shape) * 9).to(getattr(torch, dtype))
    (back,) = answers.consume([value.clone()])
    assert type(back) is Tensor and back.dtype == value.dtype and back.shape == value.shape
    assert torch.equal(back, value) and back.stride() == value.stride()


def test_nan_and_infinity_cross_and_so_does_the_order_in_memory(answers):
    value = torch.tensor([math.nan, math.inf, -math.inf])
    assert torch.equal(answers.calls(torch.clone, value).isnan(), value.isnan())
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert answers.calls(torch.clone, image).is_contiguous(memory_format=torch.channels_last)
    assert answers.calls(torch.clone, torch.ones(1).expand(4)).tolist() == [1.0] * 4


def test_what_an_answer_returns_unchanged_is_the_same_object(answers):
    x, numbers, model = torch.ones(2), [1], nn.Linear(1, 1)
    assert answers.same(x) is x and answers.same(numbers) is numbers and answers.same(model) is model


def test_types_are_exact_and_what_has_no_plain_value_stays_there(answers):
    assert all(type(each) is Remote for each in answers.strange())
    assert type(answers.subclassed(torch.ones(2))) is Remote
    assert answers.strange()[1] != "a" and answers.Pair(1, 2) != 1


def test_changes_in_place_come_back(answers):
    numbers, table, several, array = [1], {}, {1}, np.zeros(2)
    answers.change(numbers, table, several, array)
    assert (numbers, table, several, array.tolist()) == ([1, 3], {"new": 1}, {1, 9}, [7.0, 0.0])
    for change, wanted in (
        (answers.add_in_place, [2.0, 2.0]),
        (answers.write_data, [2, 2]),
        (answers.write_numpy, [5, 1]),
    ):
        change(x := torch.ones(2))
        assert x.tolist() == wanted
    base = torch.zeros(4)
    answers.add_in_place(base[1:3])
    assert base.tolist() == [0, 1, 1, 0]
    assert answers.aliased(x, x) is True


def test_functions_go_out_and_come_back(answers):
    assert answers.twice(lambda x: 3 * x)(2) == 18
    assert torch.equal(answers.twice(torch.exp)(torch.zeros(1)), torch.ones(1).exp())
    assert answers.calls(answers.cube, 3) == 27
    assert list(answers.count(3)) == [0, 1, 2] and answers.consume(iter([1, "a"])) == [1, "a"]
    assert answers.consume(x * x for x in range(3)) == [0, 1, 4]


def test_errors_keep_their_type_and_those_of_the_test_their_identity(answers):
    with pytest.raises(ValueError, match="no good"):
        answers.raises()
    with pytest.raises(RuntimeError, match="Odd: strange"):
        answers.raises_own()
    own = LookupError("of the test")

    def fails():
        raise own

    with pytest.raises(LookupError) as caught:
        answers.calls(fails)
    assert caught.value is own
    assert answers.swallow(fails) == "LookupError: of the test"


@pytest.mark.parametrize("f", ["cube", "weigh"])
def test_gradients_cross(answers, f):
    x = torch.randn(2, dtype=torch.float64, requires_grad=True)
    function = getattr(answers, f) if f == "cube" else lambda x: answers.weigh(x.float()).double()
    if f == "cube":
        assert torch.autograd.gradcheck(function, (x,)) and torch.autograd.gradgradcheck(function, (x,))
    (slope,) = torch.autograd.grad(function(x).sum(), x)
    assert torch.allclose(slope, 3 * x**2 if f == "cube" else torch.ones(2, dtype=torch.float64))


def test_a_leaf_of_the_answers_collects_its_gradient(answers):
    answers.weigh(torch.tensor([2.0, 3.0])).backward()
    assert answers.weight.grad.tolist() == [2.0, 3.0]


def test_a_seed_counts_on_both_sides_and_nobody_chooses_the_others_numbers(answers):
    torch.manual_seed(0)
    wanted = torch.randn(5), torch.randn(5)
    torch.manual_seed(0)
    assert torch.equal(answers.noise(5), wanted[0]) and torch.equal(answers.noise(5), wanted[1])
    own = torch.randn(5)
    assert not any(torch.equal(own, each) for each in wanted)
    torch.manual_seed(0)
    answers.same(1)
    assert torch.equal(torch.randn(5), wanted[0])


def test_the_modes_of_the_test_count(answers):
    assert answers.grad_mode() == (True, False, "torch.float32")
    with torch.no_grad():
        assert answers.grad_mode()[0] is False
    torch.set_default_dtype(torch.float64)
    try:
        assert answers.grad_mode()[2] == "torch.float64"
    finally:
        torch.set_default_dtype(torch.float32)


class Branched(nn.Module):
    """A class that only the test's side knows."""

    def __init__(self):
        super().__init__()
        self.scale, self.left = nn.Parameter(torch.ones(2)), nn.Linear(2, 2)
        self.more = nn.ModuleList([nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Tanh())])

    def forward(self, x):
        x = self.left(x) * self.scale
        for layer in self.more:
            x = x + layer(x)
        return x


def small():
    return nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.BatchNorm1d(2), nn.Dropout(0.5))


def test_what_is_done_to_a_model_comes_back(answers):
    model = small()
    before = model[0].weight.detach().clone()
    answers.rescale(model)
    assert torch.allclose(model[0].weight, 3 * before)
    answers.freeze(model)
    assert not any(each.training for each in model.modules())
    answers.swap(model)
    assert isinstance(model[1], nn.ELU) and answers.layers(model)[2] == "ELU"
    answers.replace(model)
    assert model[0].weight.count_nonzero() == 0 and isinstance(model[0].weight, nn.Parameter)
    answers.hook(model)
    assert len(model[0]._forward_hooks) == 1 and model(torch.ones(3, 2)).shape == (3, 2)


@pytest.mark.parametrize("make", [small, Branched])
def test_gradients_of_a_model_are_those_of_a_notebook(answers, make):
    model, x = make().eval(), torch.randn(3, 2)
    twin = copy.deepcopy(model)
    answers.loss_back(model, x)
    twin(x).square().sum().backward()
    for ours, wanted in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours.grad, wanted.grad, atol=1e-6)


def test_hooks_of_an_answer_fire_in_a_model_of_the_test(answers):
    seen = answers.hooked(Branched(), torch.ones(1, 2))
    assert seen == ["Linear", "Linear", "Linear", "Tanh", "Sequential", "Branched"]


def test_a_model_of_an_answer_trains_here(answers):
    torch.manual_seed(0)
    net, x = answers.Net(4), torch.randn(6, 1, 5, 5)
    assert isinstance(net, nn.Module) and isinstance(net.conv, nn.Conv2d) and net.area() == 36
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.1), []
    for _ in range(8):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), torch.tensor([0, 1] * 3))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0] and net.norm.num_batches_tracked == 8
    net.eval()
    twin = copy.deepcopy(net)
    assert torch.equal(net(x), twin(x)) and net.norm.num_batches_tracked == 8
    net.load_state_dict({name: torch.zeros_like(value) for name, value in net.state_dict().items()})
    assert net(x).count_nonzero() == 0 and twin(x).count_nonzero() > 0


def test_layers_of_torch_are_rebuilt_and_compute_here(answers):
    chain = answers.chain()
    assert [type(each) for each in chain] == [nn.Linear, nn.ReLU, nn.Dropout] and chain[2].p == 0.5
    assert nn.Sequential(chain.eval(), nn.Linear(4, 1))(torch.ones(2, 3)).shape == (2, 1)
    assert answers.layers(chain) == ["Sequential", "Linear", "ReLU", "Dropout"]


def test_an_optimizer_of_an_answer_keeps_the_parameters_it_was_given(answers):
    model = nn.Linear(2, 1)
    descent, before = answers.Descent(model.parameters(), 0.1), model.weight.detach().clone()
    for _ in range(2):
        model.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        descent.step()
    assert torch.allclose(model.weight, before - 0.2)


def test_objects_of_an_answer_have_state_methods_and_operators(answers):
    pair = answers.Pair(1, 2) + answers.Pair(10, 20)
    assert (pair.a, len(pair), pair[1], list(pair)) == (11, 2, 22, [11, 22])
    pair.a = 5
    assert pair[0] == 5 and isinstance(pair, answers.Pair) and not isinstance(3, answers.Pair)


def test_an_object_of_an_answer_judges_nothing(answers):
    pair = answers.Pair(1, 2)
    assert pair != answers.Pair(1, 2) and pair == pair and 5 not in pair
    with pytest.raises(TypeError):
        _ = pair < 3
    with pytest.raises(AssertionError), pair as inside:
        assert inside.a == "out"
    assert pair.a == "out"


class Own:
    pass


NOT_CARRIED = {
    "an object of the test's": lambda answers: answers.same(Own()),
    "a class of the test's": lambda answers: answers.same(Own),
    "a module with hooks": lambda answers: answers.freeze(_hooked()),
    "a class of both": lambda answers: _inheriting(answers.Net),
    "the signature of an answer": lambda answers: answers.same.__signature__,
    "too much": lambda answers: answers.same(torch.zeros(20 << 20)),
    "a sparse tensor": lambda answers: answers.same(torch.eye(3).to_sparse()),
}


def _inheriting(base):
    class Both(base):
        pass


def _hooked():
    model = small()
    model[0].register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize("what", NOT_CARRIED)
def test_what_cannot_be_carried_is_not_gradable_and_says_what_to_do(answers, what):
    with pytest.raises(NotGradable, match=".+: .+; .+"):
        NOT_CARRIED[what](answers)
    assert answers.same(1) == 1


# Frames.


@pytest.fixture
def ends():
    here, there = socket.socketpair()
    with here, there:
        yield Channel(here, most=1000), there


def test_a_frame_arrives_as_it_was_sent(ends):
    channel, there = ends
    Channel(there).send({"a": [1, None]}, [memoryview(b"abc")])
    assert channel.receive() == ({"a": [1, None]}, bytearray(b"abc"))


def test_frames_of_many_sizes_follow_each_other():
    here, there = socket.socketpair()
    sizes = [0, 1, (1 << 16) - 1, 1 << 16, 1 << 20, 3]
    if not os.fork():
        for size in sizes:
            Channel(there).send({"size": size}, [memoryview(bytes(size))])
        os._exit(0)
    channel = Channel(here)
    with here, there:
        for size in sizes:
            header, body = channel.receive()
            assert header == {"size": size} and len(body) == size
    os.wait()


MALFORMED = {
    "too large a body": HEAD.pack(2, 1001) + b"{}",
    "too large a header": struct.pack(">II", 1 << 30, 0),
    "no JSON": HEAD.pack(2, 0) + b"no",
    "no object": HEAD.pack(2, 0) + b"[]",
    "no text": HEAD.pack(2, 0) + b"\xff\xfe",
    "too deep": HEAD.pack(200000, 0) + b"[" * 200000,
    "half": HEAD.pack(20, 0) + b"{",
    "nothing": b"",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_no_frame_is_broken(ends, what):
    channel, there = ends
    if pid := os.fork():
        there.close()
        with pytest.raises(Broken):
            channel.receive()
        channel.end.close()
        os.waitpid(pid, 0)
    else:
        try:
            there.sendall(MALFORMED[what])
        finally:
            os._exit(0)


def test_what_is_too_large_is_not_sent(ends):
    channel, there = ends
    with pytest.raises(TooLarge, match="1,003"):
        channel.send({}, [memoryview(bytes(1000))])
        channel.send({}, [memoryview(bytes(1001))])
