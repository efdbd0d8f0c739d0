"""Works on a copy, but puts the same tensor into the list at every step."""

# loses: test-walk

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, v, places = start.clone(), torch.zeros_like(start), []
    for rate in lr:
        g = gradient(x)
        v = momentum * v + g
        x -= rate * (g + momentum * v if nesterov else v)
        places.append(x)
    return places
