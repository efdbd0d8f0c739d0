"""What a layer knows: the features of each layer, a linear probe of them, and how alike two of them are."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import demand
from cnnlab.lending import mode
from cnnlab.techniques.initialization import layers

Features = Mapping[str, Tensor]


@torch.no_grad()
def layer_features(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What each linear and convolutional layer gives out, maps averaged over places: (N, C) by name (rows X01, X02).

    One batch in evaluation mode; the layers come in the order of use.
    """
    caught: dict[str, Tensor] = {}
    names = {layer: name for name, layer in layers(model)}

    def catch(layer: nn.Module, _inputs, output: Tensor) -> None:
        maps = isinstance(layer, nn.modules.conv._ConvNd)
        caught[names[layer]] = output.flatten(2).mean(2) if maps else output.clone()

    hooks = [layer.register_forward_hook(catch) for layer in names]
    try:
        with mode(model, training=False):
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return caught


def linear_probe(features: Tensor, targets: Tensor, *, ridge: float = 1e-3) -> tuple[Tensor, Tensor]:
    r"""Weight (D, K) and bias (K,) with the least $\|XW + b - Y\|^2 + \lambda s\,\|W\|^2$ (rows X01, X02).

    Features X (N, D), targets Y (N, K), such as one-hot labels. s is the mean square length of a centered column of X,
    so the scale of a layer does not matter. Of a dead layer, whose outputs are constant, W is zero.
    """
    mean, center = features.mean(dim=0), targets.mean(dim=0)
    x = features - mean
    gram = x.T @ x
    penalty = (ridge * gram.diagonal().mean()).clamp_min(torch.finfo(x.dtype).tiny)
    weight = torch.linalg.solve(gram + penalty * torch.eye(len(gram)).to(gram), x.T @ (targets - center))
    return weight, center - mean @ weight


def probe_layers(
    train: Features, labels: Tensor, *, valid: Features, valid_labels: Tensor, ridge: float = 1e-3
) -> dict[str, float]:
    """The validation accuracy of a linear probe on each layer: its maximum says where to take features (row X01).

    `train` and `valid` as `layer_features` gives them. Lower layers serve many tasks, the last ones their own, so on
    other data the best layer is not the last (row X02). Source: {cite:t}`yosinski2014transferable`.
    """
    demand(set(train) == set(valid), "layers of valid", [*valid], f"those of train: {[*train]}")
    targets = F.one_hot(labels).to(next(iter(train.values())).dtype)
    probes = {name: linear_probe(x, targets, ridge=ridge) for name, x in train.items()}
    scores = {name: valid[name] @ weight + bias for name, (weight, bias) in probes.items()}
    return {name: (score.argmax(dim=1) == valid_labels).double().mean().item() for name, score in scores.items()}


def linear_cka(x: Tensor, y: Tensor) -> Tensor:
    r"""How alike two representations of the same N images are: 1 where one is the other turned or scaled (row X02).

    $\|Y^\top X\|_F^2 / (\|X^\top X\|_F \|Y^\top Y\|_F)$ for centered x (N, p), y (N, q): the cosine between the two
    matrices of inner products of images. A constant one is like none: 0. Source: {cite:t}`kornblith2019similarity`.
    """
    demand(len(x) == len(y), "rows", (len(x), len(y)), "as many in both, one an image")
    x, y = (_unit(each - each.mean(dim=0)) for each in (x, y))
    return F.cosine_similarity((x @ x.T).flatten(), (y @ y.T).flatten(), dim=0)


def _unit(x: Tensor) -> Tensor:
    """`x` of norm 1, at any scale: the `eps` of `F.cosine_similarity` would swallow small representations."""
    return x / x.norm().clamp_min(torch.finfo(x.dtype).tiny)
