"""The formula as it stands: exp(1000) is infinite, and its gradient NaN behind torch.where."""

# loses: test-elu

# answer: elu
def elu(z, alpha=1.0):
    return torch.where(z > 0, z, alpha * torch.expm1(z))
