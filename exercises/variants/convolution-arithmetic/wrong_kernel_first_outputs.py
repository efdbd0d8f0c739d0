"""Fills only as many outputs as there are inputs."""

# loses: test-kernel

# answer: kernel
def whole_kernel(depthwise, pointwise):
    whole = depthwise.new_zeros(len(pointwise), len(depthwise), *depthwise.shape[2:])
    for c in range(len(depthwise)):
        for o in range(min(len(pointwise), len(depthwise))):
            whole[o, c] = pointwise[o, c] * depthwise[c, 0]
    return whole
