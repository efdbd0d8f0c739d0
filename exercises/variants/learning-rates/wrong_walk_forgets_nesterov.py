"""Takes no notice of nesterov."""

# loses: test-walk

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, v, places = start, torch.zeros_like(start), []
    for rate in lr:
        g = gradient(x)
        v = momentum * v + g
        x = x - rate * v
        places.append(x)
    return places
