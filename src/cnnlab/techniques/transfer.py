"""Transfer: start from trained weights, replace the classifier, freeze what is general, tune the rest slowly."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from torch import Generator, Tensor, nn

from cnnlab.choices import choose, demand
from cnnlab.techniques.initialization import normal_


def copy_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Load all of a `state_dict` that fits `model` by name and shape; the names of what was copied (row T01).

    A classifier for other classes does not fit and stays as it is. Nothing that fits raises a `ValueError`.
    """
    own = model.state_dict()
    fitting = {name: w for name, w in weights.items() if name in own and own[name].shape == w.shape}
    demand(len(fitting) > 0, "weights", [*weights][:3], f"named as those of the model, such as {[*own][:3]}")
    model.load_state_dict(fitting, strict=False)
    return [*fitting]


def replace_head(model: nn.Module, classes: int, *, generator: Generator | None = None) -> nn.Module:
    r"""A new last linear layer for `classes` classes, $w \sim N(0, 0.01^2)$ and zero biases, in place (row T01).

    A ResNet-18 gets a head of 512 · 10 + 10 = 5,130 parameters for ten classes. A model without a linear layer raises
    a `ValueError`. Source: {cite:t}`razavian2014features`.
    """
    linear = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    demand(len(linear) > 0, "the model", type(model).__name__, "one with a linear layer to replace")
    name, old = linear[-1]
    demand(name != "", "the model", "Linear", "more than its head: put it in a Sequential")
    head = nn.Linear(old.in_features, classes, device=old.weight.device, dtype=old.weight.dtype)
    normal_(head.weight, generator=generator)
    nn.init.zeros_(head.bias)
    model.set_submodule(name, head)
    return model


def freeze_until(model: nn.Module, name: str) -> nn.Module:
    """Freeze every module registered before module `name`; that one and those after it learn, in place (row T01).

    A frozen parameter gets no gradient. A frozen batch normalization evaluates, whatever mode a training loop puts it
    in: its running statistics stay to the bit; the mode of `model` itself and of modules without buffers is left alone.
    Called again with an earlier name it thaws, back to the mode of the model; with "" it thaws all.
    Source: {cite:t}`yosinski2014transferable`.
    """
    modules = dict(model.named_modules())
    choose(modules, name, "module")
    frozen = set(takewhile(lambda each: each != name, modules))
    for each, module in modules.items():
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(each not in frozen)
        if module is not model and any(True for _ in module.buffers(recurse=False)):
            _keep_evaluating(module, each in frozen, otherwise=model.training)
    return model


def _evaluate(module: nn.Module, _inputs) -> None:
    module.training = False  # not `eval()`, which reaches into what stands inside the module


def _keep_evaluating(module: nn.Module, keep: bool, *, otherwise: bool) -> None:
    """A hook, because training loops call `train()` on the whole model, and that would set the statistics moving."""
    hooks = module._forward_pre_hooks
    for key in [key for key, hook in hooks.items() if hook is _evaluate]:
        del hooks[key]
        module.training = otherwise
    if keep:
        module.register_forward_pre_hook(_evaluate)


def discriminative_rates(model: nn.Module, lr: float, *, starts: Sequence[str], factor: float = 0.1) -> list[dict]:
    r"""Parameter groups whose rates grow towards the head: part k of n learns with $\eta f^{n - 1 - k}$ (row T01).

    A part begins at each module named in `starts`, in the order of registration: `("fc",)` gives two, a body at
    `factor` times the rate of the head. Frozen parameters are in no group, and parts without others make none.
    Source: {cite:t}`howard2018universal`.
    """
    modules = dict(model.named_modules())
    for name in starts:
        choose(modules, name, "module")
    parts: list[list[nn.Parameter]] = [[]]
    for name, module in modules.items():
        if name in starts:
            parts.append([])
        parts[-1] += [p for p in module.parameters(recurse=False) if p.requires_grad]
    last = len(parts) - 1
    return [{"params": part, "lr": lr * factor ** (last - k)} for k, part in enumerate(parts) if part]


class Plan(NamedTuple):
    """What to do with a pretrained network: where the classifier stands, how much of the rest is tuned, how fast."""

    classifier: str
    tuned: str
    rate: str


def strategy(size: str, similarity: str) -> Plan:
    """The two-by-two rule: what to do with a "small" or "large", "similar" or "different" data set (row X01).

    Similar is to what the network was trained on; how many images are few, no source says. Where they are few and
    different S4 sees trouble: `representations.probe_layers` finds the layer to take.
    Source: {cite:t}`yosinski2014transferable,kornblith2018better`.
    """
    return choose(choose(STRATEGIES, size, "size"), similarity, "similarity")


STRATEGIES = {
    "small": {
        "similar": Plan("linear, on the last features", "none", "none"),
        "different": Plan("linear or SVM, on features from the middle", "none", "none"),
    },
    "large": {
        "similar": Plan("a new head", "a few of the last layers", "small"),
        "different": Plan("a new head", "many layers, or all", "small"),
    },
}
