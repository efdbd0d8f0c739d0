"""A smooth maximum: close to it, and every piece gets some gradient."""

# loses: test-maxout

# answer: maxout
def maxout(z, pieces):
    return torch.logsumexp(50 * z.unflatten(1, (-1, pieces)), dim=2) / 50
