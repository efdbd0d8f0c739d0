"""Mean absolute value for root mean square."""

# loses: test-gain

# answer: gain
def gain(f):
    return 1 / f(torch.randn(1_000_000)).abs().mean().item()
