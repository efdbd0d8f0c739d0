"""He's √2 for every activation."""

# loses: test-gain

# answer: gain
def gain(f):
    return math.sqrt(2)
