"""Rows of the right length, but not at right angles."""

# loses: test-orthogonal

# answer: orthogonal
def orthogonal(shape, gain=1.0):
    matrix = torch.randn(shape[0], math.prod(shape[1:]))
    return (gain * matrix / matrix.norm(dim=1, keepdim=True)).reshape(shape)
