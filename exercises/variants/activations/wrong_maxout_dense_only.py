"""Works behind a dense layer and behind a convolution, and nowhere else."""

# loses: test-maxout

# answer: maxout
def maxout(z, pieces):
    n, channels, *places = z.shape
    height, width = places or (1, 1)
    return z.reshape(n, channels // pieces, pieces, height, width).amax(dim=2).reshape(n, -1, *places)
