"""Lets channels compete that lie far apart: c and c + C."""

# loses: test-maxout

# answer: maxout
def maxout(z, pieces):
    return z.unflatten(1, (pieces, -1)).amax(dim=1)
