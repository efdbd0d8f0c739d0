"""Looks only along the axes: the steepest direction need not be one of them."""

# loses: test-limit

# answer: limit
def stable_rate(gradient, n):
    here = gradient(torch.zeros(n, dtype=torch.float64))
    curvature = torch.stack([gradient(e) - here for e in torch.eye(n, dtype=torch.float64)])
    return 2 / curvature.diagonal().max().item()
