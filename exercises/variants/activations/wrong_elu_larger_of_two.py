"""Takes the larger of the two curves, which is the right one only for alpha up to 1."""

# loses: test-elu

# answer: elu
def elu(z, alpha=1.0):
    return torch.maximum(z, alpha * torch.expm1(z.clamp(max=0)))
