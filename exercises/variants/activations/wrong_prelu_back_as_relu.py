"""Sends back through z what ReLU would."""

# loses: test-prelu

# answer: prelu
def prelu(z, slope, gradient):
    a = slope.view(1, -1, 1, 1)
    to_slope = (gradient * z.clamp(max=0)).sum(dim=(0, 2, 3))
    return torch.where(z > 0, z, a * z), gradient * (z > 0), to_slope
