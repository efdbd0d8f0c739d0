"""Takes the gain for a factor of the variance."""

# loses: test-orthogonal

# answer: orthogonal
def orthogonal(shape, gain=1.0):
    u, _, vt = torch.linalg.svd(torch.randn(shape[0], math.prod(shape[1:])), full_matrices=False)
    matrix = u if shape[0] > math.prod(shape[1:]) else vt
    return math.sqrt(gain) * matrix.reshape(shape)
