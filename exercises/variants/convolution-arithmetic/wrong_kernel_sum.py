"""Adds the number to the window instead of multiplying."""

# loses: test-kernel

# answer: kernel
def whole_kernel(depthwise, pointwise):
    return pointwise + depthwise.transpose(0, 1)
