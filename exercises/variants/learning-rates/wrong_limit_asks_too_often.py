"""Goes on for thousands of rounds, though a few hundred are enough."""

# loses: test-limit

# answer: limit
def stable_rate(gradient, n):
    here = gradient(torch.zeros(n, dtype=torch.float64))
    v = torch.ones(n, dtype=torch.float64)
    for _ in range(5000):
        v = gradient(v / v.norm()) - here
    return 2 / v.norm().item()
