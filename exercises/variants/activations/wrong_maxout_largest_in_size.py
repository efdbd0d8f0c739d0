"""The largest in size, with its sign."""

# loses: test-maxout

# answer: maxout
def maxout(z, pieces):
    groups = z.unflatten(1, (-1, pieces))
    return groups.gather(2, groups.abs().argmax(dim=2, keepdim=True)).squeeze(2)
