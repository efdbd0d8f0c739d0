"""Gives every output the plain windows and forgets how they are mixed."""

# loses: test-kernel

# answer: kernel
def whole_kernel(depthwise, pointwise):
    return depthwise.transpose(0, 1).expand(len(pointwise), -1, -1, -1)
