"""Sums over the input channels: one window for each output, whatever channel it reads."""

# loses: test-kernel

# answer: kernel
def whole_kernel(depthwise, pointwise):
    one = (pointwise * depthwise.transpose(0, 1)).sum(1, keepdim=True)
    return one.expand(-1, len(depthwise), -1, -1)
