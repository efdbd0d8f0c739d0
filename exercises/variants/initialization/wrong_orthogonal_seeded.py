"""Sets a seed inside, so every layer of a shape gets the same matrix."""

# loses: test-orthogonal

# answer: orthogonal
def orthogonal(shape, gain=1.0):
    torch.manual_seed(0)
    u, _, vt = torch.linalg.svd(torch.randn(shape[0], math.prod(shape[1:])), full_matrices=False)
    matrix = u if shape[0] > math.prod(shape[1:]) else vt
    return gain * matrix.reshape(shape)
