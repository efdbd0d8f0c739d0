"""Always answers in float32."""

# loses: test-kernel

# answer: kernel
def whole_kernel(depthwise, pointwise):
    whole = torch.zeros(len(pointwise), len(depthwise), *depthwise.shape[2:])
    for o in range(len(pointwise)):
        for c in range(len(depthwise)):
            whole[o, c] = pointwise[o, c] * depthwise[c, 0]
    return whole
