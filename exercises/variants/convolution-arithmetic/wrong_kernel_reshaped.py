"""Reads the numbers of the mixture in another order to make the shapes fit."""

# loses: test-kernel

# answer: kernel
def whole_kernel(depthwise, pointwise):
    return pointwise.reshape(len(depthwise), -1, 1, 1).transpose(0, 1) * depthwise.transpose(0, 1)
