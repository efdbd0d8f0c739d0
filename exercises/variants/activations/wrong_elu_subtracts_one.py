"""exp(z) - 1 instead of expm1: no digit is left near 0."""

# loses: test-elu

# answer: elu
def elu(z, alpha=1.0):
    return torch.where(z > 0, z, alpha * (torch.exp(z.clamp(max=0)) - 1))
