"""QR without a look at which side is longer: right for tall matrices only."""

# loses: test-orthogonal

# answer: orthogonal
def orthogonal(shape, gain=1.0):
    q, _ = torch.linalg.qr(torch.randn(shape[0], math.prod(shape[1:])))
    return gain * q.reshape(shape)
