"""Divides fan-in by the groups again, although the weight holds the channels of one group."""

# loses: test-fans

# answer: fans
def fans(shape, groups=1):
    area = math.prod(shape[2:])
    return shape[1] // groups * area, shape[0] // groups * area
