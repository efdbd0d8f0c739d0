"""Judges by the steepest slope: the sigmoid's quarter."""

# loses: test-choose

# answer: choose
def choose(functions, layers):
    z = torch.linspace(-9, 9, 100_000, dtype=torch.float64, requires_grad=True)
    density, shares = torch.exp(-z.detach().square() / 2), {}
    for name, f in functions.items():
        y = f(z)
        (slope,) = torch.autograd.grad(y.sum(), z)
        shares[name] = (slope.abs().max().item()) ** layers
    best = min(shares, key=lambda name: abs(math.log(shares[name])))
    return best, shares[best]
