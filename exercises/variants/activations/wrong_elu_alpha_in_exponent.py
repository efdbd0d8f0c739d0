"""Alpha in the exponent, so that the curve ends at -1 whatever alpha is."""

# loses: test-elu

# answer: elu
def elu(z, alpha=1.0):
    return torch.where(z > 0, z, torch.expm1(alpha * z.clamp(max=0)))
