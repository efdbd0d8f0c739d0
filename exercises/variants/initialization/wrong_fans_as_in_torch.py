"""PyTorch's convention: fan-out over all groups, though an input reaches only its own."""

# loses: test-fans

# answer: fans
def fans(shape, groups=1):
    area = math.prod(shape[2:])
    return shape[1] * area, shape[0] * area
