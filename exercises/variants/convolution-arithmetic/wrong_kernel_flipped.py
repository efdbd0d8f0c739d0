"""Flips the windows, as in the convolution of mathematics; torch does not."""

# loses: test-kernel

# answer: kernel
def whole_kernel(depthwise, pointwise):
    return pointwise * depthwise.transpose(0, 1).flip(2, 3)
