"""Convolution arithmetic: one layer's window sliding over a digit, and its sizes and costs with their formulas filled in."""

import base64

import anywidget
import traitlets

from cnnlab.widgets.allowed import between, named
from cnnlab.widgets.assemble import esm
from cnnlab.widgets.signal import digits

KERNELS = ("edge", "blur", "sharpen", "identity")
RANGES = {
    "size": (4, 16, "pixels a side"),
    "kernel_size": (1, 7, "pixels a side"),
    "stride": (1, 4, "pixels from window to window"),
    "padding": (0, 4, "zeros on every side"),
    "dilation": (1, 4, "pixels from weight to weight"),
    "in_channels": (1, 16, "channels"),
    "out_channels": (1, 16, "channels"),
    "groups": (1, 16, "groups; 1 is the plain layer"),
    "layers": (1, 6, "such layers in a row"),
    "digit": (0, 9, "the digit in the picture"),
}


class Convolution(anywidget.AnyWidget):
    r"""One convolution: the map of side $\lfloor (n + 2P - D(k - 1) - 1) / S \rfloor + 1$, and what it costs.

    Settings are named as in `torch.nn.Conv2d`; `size` is $n$, `layers` how many such layers the receptive field is
    computed for. The picture is a digit from 0 (paper) to 16 (ink), its middle up to 8 pixels, enlarged beyond; `kernel`
    is one of `KERNELS`, of any side, and slides over one channel. `numbers` holds what the page computed: `output_size`,
    `unread` (pixels that no window reads), `receptive_field` and `jump` of the stack, `parameters` (with biases),
    `multiply_adds` of one image, `separable_weights` and `separable_multiply_adds` (depthwise k x k, then 1 x 1, no
    biases). `None` stands where there is no such layer, and `numbers` is empty until a page has drawn the widget.

    A value out of range raises a `TraitError` that says what is allowed. Settings that do not go together, such as
    groups that do not divide the channels, are allowed: the page says what must change. (rows C01, C02, C05, C06, C07,
    K06, K08)
    """

    _esm = esm("convolution")

    size = traitlets.Int(8).tag(sync=True)
    kernel_size = traitlets.Int(3).tag(sync=True)
    stride = traitlets.Int(1).tag(sync=True)
    padding = traitlets.Int(1).tag(sync=True)
    dilation = traitlets.Int(1).tag(sync=True)
    in_channels = traitlets.Int(4).tag(sync=True)
    out_channels = traitlets.Int(8).tag(sync=True)
    groups = traitlets.Int(1).tag(sync=True)
    layers = traitlets.Int(1).tag(sync=True)
    kernel = traitlets.Unicode("edge").tag(sync=True)
    digit = traitlets.Int(0).tag(sync=True)
    images = traitlets.Unicode().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)

    def __init__(self, **traits):
        pixels, _ = digits(10)  # the first ten are 0 to 9
        super().__init__(images=base64.b64encode(pixels).decode(), **traits)

    @traitlets.validate("kernel")
    def _known(self, proposal):
        return named(KERNELS, proposal["value"], "kernel")

    @traitlets.validate(*RANGES)
    def _in_range(self, proposal):
        name = proposal["trait"].name
        return between(name, proposal["value"], *RANGES[name])
