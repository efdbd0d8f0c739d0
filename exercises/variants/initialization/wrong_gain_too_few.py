"""Right in the mean, but a thousand random numbers do not give one per cent."""

# loses: test-gain

# answer: gain
def gain(f):
    return 1 / f(torch.randn(1000)).square().mean().sqrt().item()
