"""Takes Nesterov's step with the velocity before the gradient came in."""

# loses: test-walk

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, v, places = start, torch.zeros_like(start), []
    for rate in lr:
        g = gradient(x)
        old, v = v, momentum * v + g
        x = x - rate * (g + momentum * old if nesterov else v)
        places.append(x)
    return places
