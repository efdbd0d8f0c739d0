"""The layers of the nets in order, as their papers have them: what no count of parameters shows."""

import pytest
import torch
from model_oracles import hollow
from torch import nn

from cnnlab.models.alexnet import alexnet, caffenet
from cnnlab.models.allcnn import allcnn
from cnnlab.models.darknet import darknet
from cnnlab.models.densenet import cifar_densenet
from cnnlab.models.fitnet import fitnet4
from cnnlab.models.inception import GoogLeNet, ResidualInception
from cnnlab.models.nin import nin
from cnnlab.models.resnext import cifar_resnext
from cnnlab.models.squeezenet import squeezenet
from cnnlab.models.watermap import WaterMap
from cnnlab.models.wide_resnet import wide_resnet
from cnnlab.models.xception import xception

WORDS = {
    "Conv2d": lambda layer: f"conv{layer.kernel_size[0]}",
    "BatchNorm2d": lambda layer: "bn",
    "LeakyReLU": lambda layer: f"leaky{layer.negative_slope:g}",
    "Dropout": lambda layer: f"drop{layer.p:g}",
    "LocalResponseNorm": lambda layer: f"lrn{layer.size}:{layer.alpha:g}:{layer.beta:g}:{layer.k:g}",
    "MaxPool2d": lambda layer: f"max{layer.kernel_size}",
    "AvgPool2d": lambda layer: f"mean{layer.kernel_size}",
}
HEAD = " flat linear relu drop0.5 linear relu drop0.5 linear"
CONVOLUTIONS = " conv3 relu conv3 relu conv3 relu max3"
MLP = "conv{} relu conv1 relu conv1 relu"
THREE = " conv3 relu conv3 relu conv3 relu drop0.5"
NETS = {
    # 2012: sums of squares times 1e-4, which is 5e-4 of their mean over 5; k = 2; Caffe: 1e-4 of the mean, k = 1
    "alexnet": (
        alexnet,
        "H01",
        "".join(f"conv{k} relu lrn5:0.0005:0.75:2 max3 " for k in (11, 5)) + CONVOLUTIONS + HEAD,
    ),
    "caffenet": (
        caffenet,
        "H01",
        "".join(f"conv{k} relu max3 lrn5:0.0001:0.75:1 " for k in (11, 5)) + CONVOLUTIONS + HEAD,
    ),
    "darknet": (darknet, "H18", "conv3 bn leaky0.1 max2 " * 6 + "conv3 bn leaky0.1 conv1 mean"),
    "nin": (
        nin,
        "H14",
        f"{MLP.format(5)} max3 drop0.5 {MLP.format(5)} mean3 drop0.5 {MLP.format(3)} mean",
    ),
    "allcnn": (allcnn, "H18", f"drop0.2 {THREE} {THREE} conv3 relu conv1 relu conv1 relu mean"),
    "fitnet4": (
        fitnet4,
        "H13",
        f"drop0.2 {'conv3 relu ' * 5} max2 drop0.2 {'conv3 relu ' * 6} max2 drop0.2 {'conv3 relu ' * 6}"
        " adaptivemax drop0.2 flat linear relu drop0.2 linear",
    ),
    "googlenet's stem": (
        lambda: GoogLeNet().stem,
        "H03",
        "conv7 relu max3 lrn5:0.0001:0.75:1 conv1 relu conv3 relu lrn5:0.0001:0.75:1 max3",
    ),
    "googlenet's head": (lambda: GoogLeNet().head, "H03", "mean drop0.4 linear"),
    "xception's exit and head": (
        lambda: xception()[-2:],
        "H09",
        "conv3 conv1 bn relu conv3 conv1 bn relu mean drop0.5 linear",
    ),
    "squeezenet's head": (lambda: squeezenet(size="32")[-3:], "H18", "drop0.5 conv1 mean"),
    "densenet": (
        lambda: cifar_densenet(depth=7, bottleneck=False),
        "H15",
        "conv3 " + "bn relu conv3 bn relu conv1 mean2 " * 2 + "bn relu conv3 bn relu mean linear",
    ),
    "wide resnet's end": (lambda: wide_resnet()[-4:], "H06", "bn relu mean linear"),
    "resnext's stem": (lambda: cifar_resnext()[0], "H08", "conv3 bn relu"),
}
OTHERS = {"Flatten": "flat", "AdaptiveMaxPool2d": "adaptivemax"}


def words(net: nn.Module) -> list[str]:
    """A word for each layer without layers in it, in the order of registration."""
    leaves = [module for module in net.modules() if not any(module.children())]
    kinds = [(type(leaf).__name__, leaf) for leaf in leaves]
    return [WORDS[kind](leaf) if kind in WORDS else OTHERS.get(kind, kind.lower()) for kind, leaf in kinds]


@pytest.mark.rows("H01", "H03", "H06", "H08", "H09", "H13", "H14", "H15", "H18")
@pytest.mark.parametrize(("net", "wanted"), [pytest.param(net, text, id=name) for name, (net, _, text) in NETS.items()])
def test_the_layers_stand_as_in_the_paper(net, wanted):
    assert words(hollow(net)) == wanted.split()


@pytest.mark.rows("H03")
def test_every_residual_block_of_googlenet_is_scaled_to_a_fifth():
    blocks = hollow(lambda: GoogLeNet(size="32", residual=True)).blocks.values()
    assert [(type(block), block.scale) for block in blocks] == [(ResidualInception, 0.2)] * 9


@pytest.mark.rows("H20")
def test_the_water_map_grows_its_maps_bilinearly():
    torch.manual_seed(0)
    net, seen = WaterMap(3, 2, size="32").eval(), {}
    net.down[-1].register_forward_hook(lambda _module, _inputs, y: seen.update(bottom=y))
    net.up[0].register_forward_pre_hook(lambda _module, inputs: seen.update(grown=inputs[0]))
    with torch.no_grad():
        net(torch.randn(1, 3, 32, 32))
    grown = nn.Upsample(scale_factor=2, mode="bilinear")(seen["bottom"])
    torch.testing.assert_close(seen["grown"][:, : grown.shape[1]], grown)
