"""Slopes along the last dimension, as broadcasting does by itself."""

# loses: test-prelu

# answer: prelu
def prelu(z, slope, gradient):
    a = slope if len(slope) == z.shape[-1] else slope[:1]
    to_slope = (gradient * z.clamp(max=0)).sum(dim=(0, 2, 3))
    return torch.where(z > 0, z, a * z), torch.where(z > 0, gradient, a * gradient), to_slope
