"""Architectures: one file a family, `build(config, ...)` for all of them."""

from functools import partial
from numbers import Integral

from torch import nn

from cnnlab.choices import choose, demand
from cnnlab.config import Model
from cnnlab.models.alexnet import alexnet, caffenet
from cnnlab.models.allcnn import allcnn
from cnnlab.models.darknet import darknet
from cnnlab.models.densenet import cifar_densenet
from cnnlab.models.fitnet import fitnet4, fitresnet4
from cnnlab.models.fractalnet import fractalnet
from cnnlab.models.henet import henet
from cnnlab.models.inception import GoogLeNet
from cnnlab.models.mobilenet import mobilenet
from cnnlab.models.nin import nin
from cnnlab.models.plain import Plain
from cnnlab.models.preactivation import preactivation_resnet
from cnnlab.models.resnet import cifar_resnet
from cnnlab.models.resnet_in_resnet import resnet_in_resnet
from cnnlab.models.resnext import cifar_resnext
from cnnlab.models.ror import elu_resnet, ror, weighted_resnet
from cnnlab.models.squeezenet import squeezenet
from cnnlab.models.stagewise import fractal_of_fractalnet, stagewise_boosting_net, taylor_series_net
from cnnlab.models.stochastic_depth import stochastic_depth_resnet
from cnnlab.models.tricks import TRICKS, caffenet_with
from cnnlab.models.vgg import vgg
from cnnlab.models.wide_resnet import wide_resnet
from cnnlab.models.workbench import workbench
from cnnlab.models.xception import xception


def build(config: Model, *, in_channels: int, classes: int) -> nn.Module:
    """The network that `config` names, with weights as torch left them: `initialization.initialize` sets them.

    `width` is the config's, 16 unless it says otherwise, and not the paper's: "vgg16" at 16 has 922,074 parameters, at
    the paper's 64 it has 14,719,818. The papers' widths, each for the layer that a net's own docstring names:

    - 16: darknet, resnet*, ror, stochastic_depth110; 32: fitnet4, fitresnet4, mobilenet, xception
    - 64: vgg*, googlenet*, squeezenet, henet, resnext29, fractal*, stagewise_boosting, taylor_series
    - 96: alexnet, caffenet*, allcnn; 192: nin

    "plain" and "workbench" have no paper, and what does not read `width` has the paper's. A field away from its default
    that the model does not read raises a `ValueError`, and so do numbers of channels, classes, width or depth that are not
    whole or below 1.
    """
    builder, reads = choose(MODELS, config.model, "model")
    sizes = {"in_channels": in_channels, "classes": classes, "width": config.width, "depth": config.depth}
    for name, value in sizes.items():
        demand(isinstance(value, Integral) and value >= 1, name, value, "a whole number of at least 1")
    default = Model()
    for name, value in vars(config).items():
        if name not in {"model", "initialization", *reads} and value != getattr(default, name):
            raise ValueError(f'model "{config.model}" does not read {name} (got {value!r}); leave it at its default')
    return builder(in_channels, classes, **{name: getattr(config, name) for name in reads})


# As they are for 32x32 images, and the fields of `Model` that each reads; for the papers' widths see `build`.
MODELS = {
    "plain": (Plain, ("depth", "width", "activation")),
    "workbench": (workbench, tuple(name for name in vars(Model()) if name not in ("model", "initialization"))),
    "alexnet": (partial(alexnet, size="32"), ("width", "activation")),
    "caffenet": (partial(caffenet, size="32"), ("width", "activation")),
    "caffenet_all": (partial(caffenet_with, tricks=TRICKS, size="32"), ("width",)),
    "vgg11": (partial(vgg, depth=11, size="32"), ("width",)),
    "vgg16": (partial(vgg, depth=16, size="32"), ("width",)),
    "vgg16_bn": (partial(vgg, depth=16, size="32", batch_norm=True), ("width",)),
    "vgg19_bn": (partial(vgg, depth=19, size="32", batch_norm=True), ("width",)),
    "googlenet": (partial(GoogLeNet, size="32"), ("width",)),
    "googlenet_residual": (partial(GoogLeNet, size="32", residual=True), ("width",)),
    "squeezenet": (partial(squeezenet, size="32"), ("width",)),
    "darknet": (partial(darknet, size="32"), ("width",)),
    "henet": (partial(henet, size="32"), ("width", "activation")),
    "mobilenet": (partial(mobilenet, size="32"), ("width",)),
    "xception": (partial(xception, size="32"), ("width",)),
    "nin": (nin, ("width", "activation")),
    "allcnn": (allcnn, ("width", "activation")),
    "fitnet4": (fitnet4, ("width", "activation", "placement")),
    "fitresnet4": (fitresnet4, ("width", "activation")),
    "resnet20": (partial(cifar_resnet, depth=20), ("width", "activation")),
    "resnet56": (partial(cifar_resnet, depth=56), ("width", "activation")),
    "resnet110": (partial(cifar_resnet, depth=110), ("width", "activation")),
    "resnet20_preactivation": (partial(preactivation_resnet, depth=20), ("width",)),
    "resnet56_preactivation": (partial(preactivation_resnet, depth=56), ("width",)),
    "resnet20_weighted": (partial(weighted_resnet, depth=20), ("width",)),
    "resnet20_elu": (partial(elu_resnet, depth=20), ("width",)),
    "resnet_in_resnet": (resnet_in_resnet, ("width",)),
    "ror": (ror, ("width",)),
    "stochastic_depth110": (partial(stochastic_depth_resnet, depth=110), ("width",)),
    "wide_resnet16_4": (partial(wide_resnet, depth=16, widen=4), ()),
    "wide_resnet28_10": (partial(wide_resnet, depth=28, widen=10), ()),
    "resnext29": (cifar_resnext, ("width",)),
    "densenet40": (partial(cifar_densenet, depth=40, bottleneck=False), ()),
    "densenet_bc100": (partial(cifar_densenet, depth=100), ()),
    "fractalnet": (fractalnet, ("width",)),
    "fractalnet_average": (partial(fractalnet, pool=nn.AvgPool2d), ("width",)),
    "fractal_of_fractalnet": (fractal_of_fractalnet, ("width",)),
    "stagewise_boosting": (stagewise_boosting_net, ("width",)),
    "taylor_series": (taylor_series_net, ("width",)),
}
