"""A plain convolutional network: no normalization, no skips, nothing between the signal and its initialization."""

from torch import Tensor, nn

from cnnlab.techniques.activations import activation, pieces


class Plain(nn.Module):
    """`depth` 3x3 convolutions in three stages of width, 2·width and 4·width, then an average and a linear layer.

    Input (N, in_channels, H, W) with H and W at least 4, output (N, classes) logits. Between stages a 2x2 max pool
    halves height and width. A stage may be one convolution longer than the next, so any depth from 3 goes.
    """

    def __init__(self, in_channels: int, classes: int, depth: int = 3, width: int = 16, activation: str = "relu"):
        if depth < 3:
            raise ValueError(f"a plain network has three stages, so its depth is at least 3; got {depth}")
        super().__init__()
        widths = [width * 2**stage for stage in range(3) for _ in range((depth + 2 - stage) // 3)]
        self.stages = nn.Sequential()
        for i, (before, after) in enumerate(zip([in_channels, *widths], widths, strict=False)):
            if i and after > before:
                self.stages.append(nn.MaxPool2d(2))
            self.stages.append(block(before, after, activation))
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(x).mean(dim=(2, 3)))


def block(in_channels: int, out_channels: int, name: str) -> nn.Sequential:
    """A 3x3 convolution that keeps height and width, then the named activation; maxout gets twice the filters."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels * pieces(name), 3, padding=1), activation(name))
