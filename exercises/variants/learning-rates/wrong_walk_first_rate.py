"""Makes every step with the first rate."""

# loses: test-walk

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, v, places = start, torch.zeros_like(start), []
    for rate in lr:
        g = gradient(x)
        v = momentum * v + g
        x = x - lr[0] * (g + momentum * v if nesterov else v)
        places.append(x)
    return places
