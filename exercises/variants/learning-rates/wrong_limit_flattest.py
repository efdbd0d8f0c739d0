"""Asks the flattest direction, which leaves last."""

# loses: test-limit

# answer: limit
def stable_rate(gradient, n):
    here = gradient(torch.zeros(n, dtype=torch.float64))
    curvature = torch.stack([gradient(e) - here for e in torch.eye(n, dtype=torch.float64)])
    return 2 / torch.linalg.eigvalsh(curvature).min().item()
