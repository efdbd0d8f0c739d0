"""Takes the sum of the curvatures for the largest."""

# loses: test-limit

# answer: limit
def stable_rate(gradient, n):
    here = gradient(torch.zeros(n, dtype=torch.float64))
    curvature = torch.stack([gradient(e) - here for e in torch.eye(n, dtype=torch.float64)])
    return 2 / curvature.trace().item()
