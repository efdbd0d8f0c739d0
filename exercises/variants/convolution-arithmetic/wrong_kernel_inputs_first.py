"""Puts the input channels first, where torch has the outputs."""

# loses: test-kernel

# answer: kernel
def whole_kernel(depthwise, pointwise):
    return (pointwise * depthwise.transpose(0, 1)).transpose(0, 1)
