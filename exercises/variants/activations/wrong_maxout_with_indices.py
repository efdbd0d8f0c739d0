"""torch.max with a dimension returns two things."""

# loses: test-maxout

# answer: maxout
def maxout(z, pieces):
    return tuple(z.unflatten(1, (-1, pieces)).max(dim=2))
