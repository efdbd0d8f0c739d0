"""Changes one tensor in place: the list holds the last place many times, and start is gone."""

# loses: test-walk

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, v, places = start, torch.zeros_like(start), []
    for rate in lr:
        g = gradient(x)
        v = momentum * v + g
        x -= rate * (g + momentum * v if nesterov else v)
        places.append(x)
    return places
