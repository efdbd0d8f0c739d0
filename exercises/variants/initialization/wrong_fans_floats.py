"""Counts with a true division: 64.0 is no count."""

# loses: test-fans

# answer: fans
def fans(shape, groups=1):
    area = math.prod(shape[2:])
    return shape[1] * area, shape[0] * area / groups
