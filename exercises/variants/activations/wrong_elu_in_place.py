"""Writes into the tensor it was given."""

# loses: test-elu

# answer: elu
def elu(z, alpha=1.0):
    below = z < 0
    z.data[below] = alpha * torch.expm1(z.data[below])
    return z
