"""What the architectures here are made of: a convolution with what follows it, and a flattening that says its size."""

from torch import Tensor, nn

from cnnlab.choices import choose
from cnnlab.techniques.activations import activation, pieces


def conv(
    in_channels: int, out_channels: int, kernel_size: int, *, act: str = "relu", placement: str = "none", **options
) -> nn.Sequential:
    """A convolution, the named activation, and batch normalization `before` it, `after` it or nowhere (`none`).

    Maxout gets twice the filters. An odd kernel keeps height and width at stride 1, unless `options`, the keywords of
    `nn.Conv2d`, say otherwise.
    """
    layer = nn.Conv2d(in_channels, out_channels * pieces(act), kernel_size, **({"padding": kernel_size // 2} | options))
    return followed(layer, out_channels, act=act, placement=placement)


def followed(layer: nn.Module, out_channels: int, *, act: str, placement: str) -> nn.Sequential:
    """A layer with the filters that `act` makes `out_channels` of, that activation, and batch normalization as placed."""
    function = activation(act)
    orders = {
        "none": [layer, function],
        "before": [layer, nn.BatchNorm2d(out_channels * pieces(act)), function],
        "after": [layer, function, nn.BatchNorm2d(out_channels)],
    }
    return nn.Sequential(*choose(orders, placement, "placement"))


def dense(in_features: int, out_features: int, *, act: str = "relu", dropout: float = 0.5) -> nn.Sequential:
    """A linear layer, the named activation and dropout; maxout gets twice the units."""
    return nn.Sequential(nn.Linear(in_features, out_features * pieces(act)), activation(act), nn.Dropout(dropout))


def check_native(size: str) -> None:
    """Of a net made for 32x32 images, `paper` and `32` are one size; another raises a `ValueError` with the choices."""
    choose({"paper": 32, "32": 32}, size, "size")


def whole(channels: float) -> int:
    """The nearest whole number of channels, at least 1, where the paper's number is scaled by a width."""
    return max(1, round(channels))


def even(channels: float) -> int:
    """The nearest even number of channels, at least 2, for layers in two groups."""
    return 2 * whole(channels / 2)


def classifier(features: int, units: int, classes: int, *, made_for: int, act: str = "relu") -> nn.Sequential:
    """AlexNet's head: two hidden layers with dropout and a linear one, behind a check of what comes in (see `Flat`)."""
    hidden = dense(features, units, act=act), dense(units, units, act=act)
    return nn.Sequential(Flat(features, made_for), *hidden, nn.Linear(units, classes))


class Flat(nn.Module):
    """(N, C, H, W) to (N, C·H·W) before a linear layer made for `features`; other sizes raise a `ValueError`.

    `made_for` is the height and width of the images that give so many.
    """

    def __init__(self, features: int, made_for: int):
        super().__init__()
        self.features, self.made_for = features, made_for

    def forward(self, x: Tensor) -> Tensor:
        features = x.shape[1:].numel()
        if features != self.features:
            raise ValueError(
                f"the linear layer takes {self.features} features, which images of {self.made_for}x{self.made_for} give; "
                f"got a map of {tuple(x.shape[1:])}, {features} features. Resize or crop the images."
            )
        return x.flatten(1)

    def extra_repr(self) -> str:
        return f"features={self.features}, made_for={self.made_for}"


class Mean(nn.Module):
    """Global average pooling: (N, C, H, W) to (N, C), for images of any size."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))
