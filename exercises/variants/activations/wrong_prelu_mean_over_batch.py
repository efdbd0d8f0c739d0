"""The mean over images and places instead of their sum."""

# loses: test-prelu

# answer: prelu
def prelu(z, slope, gradient):
    a = slope.view(1, -1, 1, 1)
    to_slope = (gradient * z.clamp(max=0)).mean(dim=(0, 2, 3))
    return torch.where(z > 0, z, a * z), torch.where(z > 0, gradient, a * gradient), to_slope
