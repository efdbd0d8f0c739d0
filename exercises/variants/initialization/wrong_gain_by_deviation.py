"""Takes the standard deviation for the root mean square: ReLU's outputs have a mean."""

# loses: test-gain

# answer: gain
def gain(f):
    return 1 / f(torch.randn(1_000_000)).std().item()
