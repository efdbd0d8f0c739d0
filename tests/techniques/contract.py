"""What every technique promises, whatever its family: the contracts, and the `Case` that puts a technique under them.

`cases/<family>.py` holds `CASES`, a literal dict. A key that stands in a table of the family is that row; the others are
further functions of the file.
"""

import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

import torch
from torch import Generator, Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call, vmap

Inputs = tuple[Tensor, ...]
FOLDER = Path(__file__).with_name("cases")


@dataclass(frozen=True)
class Case:
    """A technique with inputs to try it on.

    `make()` gives a fresh module, or a function of tensors with its hyperparameters (and its generator, seeded anew at
    each call) closed over. `inputs(generator)` gives its arguments: float32 on the CPU, other dtypes where it takes
    labels or bytes. A module is in evaluation mode unless `training`.

    `why_not` names contracts that cannot hold, each with the reason; the suite checks that they really fail.
    `bad` lists calls that must raise a `ValueError`, each with a regular expression of its message.
    `half` is the relative error that float16 and bfloat16 may add. `batched` says that dimension 0 is the batch.
    """

    make: Callable[[], Callable]
    inputs: Callable[[Generator], Inputs]
    training: bool = False
    half: float = 0.02
    why_not: Mapping[str, str] = field(default_factory=dict)
    bad: tuple[tuple[Callable[[], object], str], ...] = ()


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def images(*shape: int) -> Callable[[Generator], Inputs]:
    """`images(2, 3, 8, 8)`: one input of that shape, from the standard normal distribution."""
    return lambda generator: (torch.randn(shape, generator=generator),)


def outputs(result) -> list[Tensor]:
    """The tensors of a result: itself, or those of a tuple or list."""
    return [result] if isinstance(result, Tensor) else [each for each in result if isinstance(each, Tensor)]


def made(case: Case, dtype: torch.dtype = torch.float32) -> Callable:
    """The technique, with the weights that seed 0 gives it, in `dtype`."""
    torch.manual_seed(0)
    technique = case.make()
    return technique.to(dtype).train(case.training) if isinstance(technique, nn.Module) else technique


def arguments(case: Case, dtype: torch.dtype = torch.float32, seed: int = 0) -> Inputs:
    return tuple(x.to(dtype) if x.is_floating_point() else x for x in case.inputs(seeded(seed)))


def takes_floats(case: Case) -> bool:
    return any(x.is_floating_point() for x in arguments(case))


def called(technique: Callable, inputs: Inputs) -> list[Tensor]:
    """Its outputs; torch's global random numbers start from seed 0."""
    torch.manual_seed(0)
    return outputs(technique(*inputs))


def close(got: list[Tensor], want: list[Tensor], *, relative: float) -> None:
    """Each output within `relative` of the expected one, in the Euclidean norm, and of its shape."""
    assert len(got) == len(want)
    for one, other in zip(got, want, strict=True):
        assert one.shape == other.shape
        if not other.is_floating_point():
            assert torch.equal(one.cpu(), other.cpu())
            continue
        one, other = one.double().cpu(), other.double().cpu()
        assert torch.isfinite(one).all() and torch.isfinite(other).all()
        assert (one - other).norm() <= relative * other.norm() + 1e-12, f"relative error over {relative}"


# The contracts.


def finite(case: Case) -> None:
    """Values and gradients stay finite on huge, tiny, constant and zero inputs."""
    for scale, shift in ((1e4, 0.0), (1e-20, 0.0), (0.0, 1.0), (0.0, 0.0)):
        inputs = [x * scale + shift if x.is_floating_point() else x for x in arguments(case)]
        inputs = [x.requires_grad_() if x.is_floating_point() else x for x in inputs]
        results = [y for y in called(made(case), inputs) if y.is_floating_point()]
        assert all(torch.isfinite(y).all() for y in results), f"not finite at inputs x {scale} + {shift}"
        if any(y.requires_grad for y in results):
            sum(y.sum() for y in results if y.requires_grad).backward()
            grads = [x.grad for x in inputs if x.is_floating_point() and x.grad is not None]
            assert all(torch.isfinite(g).all() for g in grads), f"gradient not finite at inputs x {scale} + {shift}"


def dtype(case: Case) -> None:
    """float32 in, float32 out; float64 in, float64 out, with the same values."""
    wide = called(made(case, torch.float64), arguments(case, torch.float64))
    narrow = called(made(case), arguments(case))
    for one, other in zip(narrow, wide, strict=True):
        if one.is_floating_point() and takes_floats(case):
            assert (one.dtype, other.dtype) == (torch.float32, torch.float64)
    close(narrow, [y.float() if y.is_floating_point() else y for y in wide], relative=1e-4)


def unchanged(case: Case) -> None:
    """The inputs are left as they were."""
    inputs = arguments(case)
    called(made(case), inputs)
    for x, before in zip(inputs, arguments(case), strict=True):
        assert torch.equal(x, before), "an input was changed in place"


def device(case: Case) -> None:
    """Everything happens on the device of the inputs: tried on imagined CUDA tensors, so no GPU is needed."""
    technique, inputs = made(case), arguments(case)
    weights = technique.state_dict() if isinstance(technique, nn.Module) else {}
    with FakeTensorMode():
        inputs = [torch.empty(x.shape, dtype=x.dtype, device="cuda") for x in inputs]
        weights = {k: torch.empty(v.shape, dtype=v.dtype, device="cuda") for k, v in weights.items()}
        module = isinstance(technique, nn.Module)
        result = functional_call(technique, weights, tuple(inputs)) if module else technique(*inputs)
        assert all(y.device.type == "cuda" for y in outputs(result))


def gradient(case: Case) -> None:
    """Gradients by inputs and by weights agree with finite differences."""
    technique, inputs = made(case, torch.float64), arguments(case, torch.float64)
    weights = dict(technique.named_parameters()) if isinstance(technique, nn.Module) else {}
    floats = [i for i, x in enumerate(inputs) if x.is_floating_point()]
    names = [name for name, weight in weights.items() if weight.requires_grad]

    def of_floats(*values: Tensor):
        torch.manual_seed(0)
        full = list(inputs)
        for i, value in zip(floats, values, strict=False):
            full[i] = value
        given = dict(zip(names, values[len(floats) :], strict=True))
        result = functional_call(technique, given, tuple(full)) if weights else technique(*full)
        return tuple(y for y in outputs(result) if y.is_floating_point())

    points = [inputs[i] for i in floats] + [weights[name].detach() for name in names]
    points = [point.clone().requires_grad_() for point in points]
    assert points and torch.autograd.gradcheck(of_floats, points, fast_mode=True)


def compile(case: Case) -> None:  # noqa: A001
    """`torch.compile(backend="aot_eager")` changes nothing."""
    torch._dynamo.reset()
    with torch.no_grad():
        want = called(made(case), arguments(case))
        close(called(torch.compile(made(case), backend="aot_eager"), arguments(case)), want, relative=1e-5)


def over_batches(case: Case) -> None:
    """`torch.func.vmap` over three inputs gives what three calls give."""
    technique, several = made(case), [arguments(case, seed=seed) for seed in range(3)]
    with torch.no_grad():
        want = [called(technique, inputs) for inputs in several]
        stacked = [torch.stack(each) for each in zip(*several, strict=True)]
        got = called(vmap(lambda *inputs: tuple(outputs(technique(*inputs)))), stacked)
    close(got, [torch.stack(each) for each in zip(*want, strict=True)], relative=1e-5)


def channels_last(case: Case) -> None:
    """The memory format of images changes no value."""
    inputs = arguments(case)
    turned = [x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in inputs]
    with torch.no_grad():
        close(called(made(case), turned), called(made(case), inputs), relative=1e-5)


def half(case: Case) -> None:
    """float16 and bfloat16 stay within `case.half` of float32, and stay what they are."""
    with torch.no_grad():
        want = called(made(case), arguments(case))
        for low in (torch.float16, torch.bfloat16):
            got = called(made(case, low), arguments(case, low))
            kept = all(y.dtype == low for y in got if y.is_floating_point())
            assert kept or not takes_floats(case), f"{low} in, {[y.dtype for y in got]} out"
            close(got, want, relative=case.half)


def shows(case: Case) -> None:
    """`repr` of one of our modules names every hyperparameter."""
    technique = made(case)
    if isinstance(technique, nn.Module) and type(technique).__module__.startswith("cnnlab"):
        text, children = repr(technique), dict(technique.named_children())
        names = [p for p in inspect.signature(type(technique)).parameters if p not in {"args", "kwargs", *children}]
        assert [name for name in names if f"{name}=" not in text] == []


def state(case: Case) -> None:
    """A module with the `state_dict` of another computes what the other computes."""
    technique = made(case)
    if isinstance(technique, nn.Module):
        torch.manual_seed(1)
        twin = case.make().train(case.training)
        twin.load_state_dict(technique.state_dict())
        with torch.no_grad():
            close(called(twin, arguments(case)), called(technique, arguments(case)), relative=0)


CONTRACTS = {
    "finite": finite,
    "dtype": dtype,
    "unchanged": unchanged,
    "device": device,
    "gradient": gradient,
    "compile": compile,
    "vmap": over_batches,
    "channels_last": channels_last,
    "half": half,
    "repr": shows,
    "state_dict": state,
}


@cache
def cases() -> dict[str, Case]:
    """Every case as `family.name`."""
    return {f"{family}.{name}": case for family in families() for name, case in load(family).CASES.items()}


def families() -> list[str]:
    """The families with a file of cases."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


@cache
def load(family: str) -> ModuleType:
    """The file of a family: `CASES`, and perhaps `NO_TENSORS`, tables whose entries take none, each with the reason."""
    path = FOLDER / f"{family}.py"
    spec = importlib.util.spec_from_file_location(f"cases_{family}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tables(module) -> Iterator[tuple[str, Mapping]]:
    """The family's tables: dicts in capitals whose values are called."""
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, dict) and value and all(callable(each) for each in value.values()):
            yield name, value
