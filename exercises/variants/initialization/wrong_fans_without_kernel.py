"""Counts channels and forgets the area of the kernel."""

# loses: test-fans

# answer: fans
def fans(shape, groups=1):
    return shape[1], shape[0] // groups
