"""Lists the place before each step, not after it."""

# loses: test-walk

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, v, places = start, torch.zeros_like(start), []
    for rate in lr:
        g = gradient(x)
        places.append(x)
        v = momentum * v + g
        x = x - rate * (g + momentum * v if nesterov else v)
    return places
