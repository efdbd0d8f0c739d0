"""Takes for granted that the minimum lies at zero."""

# loses: test-limit

# answer: limit
def stable_rate(gradient, n):
    v = torch.ones(n, dtype=torch.float64)
    for _ in range(400):
        v = gradient(v / v.norm())
    return 2 / v.norm().item()
