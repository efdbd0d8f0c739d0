"""The all-convolutional net: no pooling and no linear layer, only convolutions and one mean."""

from torch import nn

from cnnlab.models.layers import Mean, check_native, conv


def allcnn(
    in_channels: int = 3,
    classes: int = 10,
    *,
    size: str = "paper",
    width: int = 96,
    activation: str = "relu",
    padding: int = 0,
) -> nn.Sequential:
    """All-CNN-C: a 3x3 convolution of stride 2 where others pool, 1x1 ones where others are linear (rows P03, H18).

    1,369,738 parameters, made for 32x32 images, so that `size="paper"` and `"32"` are one net. `padding` is that of the
    first 3x3 convolution after the second downsampling: 0 in the paper, whose last map is 6x6; 1 gives 8x8. Dropout of
    .2 on the images and of .5 after each downsampling. Source: {cite:t}`springenberg2014striving`.
    """
    check_native(size)
    return nn.Sequential(
        nn.Dropout(0.2),
        *downsampling(in_channels, width, activation),
        *downsampling(width, 2 * width, activation),
        conv(2 * width, 2 * width, 3, act=activation, padding=padding),
        conv(2 * width, 2 * width, 1, act=activation),
        conv(2 * width, classes, 1, act=activation),
        Mean(),
    )


def downsampling(in_channels: int, width: int, act: str) -> nn.Sequential:
    """Two 3x3 convolutions and one of stride 2 that learns what a pool fixes, then dropout."""
    return nn.Sequential(
        conv(in_channels, width, 3, act=act),
        conv(width, width, 3, act=act),
        conv(width, width, 3, act=act, stride=2),
        nn.Dropout(0.5),
    )
