"""Right numbers, but the arriving gradient is overwritten."""

# loses: test-prelu

# answer: prelu
def prelu(z, slope, gradient):
    a = slope.view(1, -1, 1, 1)
    y, to_slope = torch.where(z > 0, z, a * z), (gradient * z.clamp(max=0)).sum(dim=(0, 2, 3))
    gradient *= torch.where(z > 0, torch.ones_like(z), a.expand_as(z))
    return y, gradient, to_slope
