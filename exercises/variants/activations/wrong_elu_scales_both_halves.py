"""Alpha before both halves."""

# loses: test-elu

# answer: elu
def elu(z, alpha=1.0):
    return alpha * torch.where(z > 0, z, torch.expm1(z.clamp(max=0)))
