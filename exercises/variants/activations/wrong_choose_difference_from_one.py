"""Nearest by the difference: whatever fades to 0 is only 1 away."""

# loses: test-choose

# answer: choose
def choose(functions, layers):
    z = torch.linspace(-9, 9, 100_000, dtype=torch.float64, requires_grad=True)
    density, shares = torch.exp(-z.detach().square() / 2), {}
    for name, f in functions.items():
        y = f(z)
        (slope,) = torch.autograd.grad(y.sum(), z)
        shares[name] = ((density * slope.square()).sum().item() / (density * y.square()).sum().item()) ** layers
    best = min(shares, key=lambda name: abs(shares[name] - 1))
    return best, shares[best]
