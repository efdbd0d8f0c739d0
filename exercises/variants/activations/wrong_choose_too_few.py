"""A thousand random numbers."""

# loses: test-choose

# answer: choose
def choose(functions, layers):
    z = torch.randn(1000, dtype=torch.float64).requires_grad_()
    density, shares = torch.ones(1000), {}
    for name, f in functions.items():
        y = f(z)
        (slope,) = torch.autograd.grad(y.sum(), z)
        shares[name] = ((density * slope.square()).sum().item() / (density * y.square()).sum().item()) ** layers
    best = min(shares, key=lambda name: abs(math.log(shares[name])))
    return best, shares[best]
