"""Right numbers that carry no gradient."""

# loses: test-maxout

# answer: maxout
def maxout(z, pieces):
    return z.detach().unflatten(1, (-1, pieces)).amax(dim=2)
