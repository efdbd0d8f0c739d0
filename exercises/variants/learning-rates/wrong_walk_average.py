"""Averages the gradients, with 1 - momentum before the new one."""

# loses: test-walk

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, v, places = start, torch.zeros_like(start), []
    for rate in lr:
        g = gradient(x)
        v = momentum * v + (1 - momentum) * g
        x = x - rate * (g + momentum * v if nesterov else v)
        places.append(x)
    return places
