"""Averages over a grid as if every z were equally likely."""

# loses: test-gain

# answer: gain
def gain(f):
    return 1 / f(torch.linspace(-3, 3, 100_001)).square().mean().sqrt().item()
