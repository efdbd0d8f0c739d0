"""One slope for all channels: the gradient of each is that of all."""

# loses: test-prelu

# answer: prelu
def prelu(z, slope, gradient):
    a = slope.view(1, -1, 1, 1)
    to_slope = (gradient * z.clamp(max=0)).sum() + 0 * slope
    return torch.where(z > 0, z, a * z), torch.where(z > 0, gradient, a * gradient), to_slope
