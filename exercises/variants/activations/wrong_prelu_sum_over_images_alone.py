"""Sums over images, and takes the mean over places."""

# loses: test-prelu

# answer: prelu
def prelu(z, slope, gradient):
    a = slope.view(1, -1, 1, 1)
    to_slope = (gradient * z.clamp(max=0)).sum(dim=0).mean(dim=(1, 2))
    return torch.where(z > 0, z, a * z), torch.where(z > 0, gradient, a * gradient), to_slope
