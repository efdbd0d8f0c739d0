"""Clamps the exponential, not what goes into it: right values, no slope where it cut."""

# loses: test-elu

# answer: elu
def elu(z, alpha=1.0):
    return torch.relu(z) + (alpha * torch.expm1(z)).clamp(max=0, min=-0.99 * alpha)
