"""The gain of the variance: the root is missing, as in fan-in for root fan-in."""

# loses: test-gain

# answer: gain
def gain(f):
    z = torch.randn(1_000_000)
    return 1 / f(z).square().mean().item()
