"""Everything by hand, one number at a time."""

# answer: plan
def plan(lr, steps, warm_up):
    rates = []
    for k in range(steps):
        if k < warm_up:
            rates.append(lr * (k + 1) / warm_up)
        else:
            left = steps - k
            rates.append(lr * left / (steps - warm_up))
    return rates

# answer: limit
def stable_rate(gradient, n):
    torch.manual_seed(0)
    here = gradient(torch.zeros(n, dtype=torch.float64))
    v = torch.randn(n, dtype=torch.float64)
    for _ in range(500):
        v = v / v.norm()
        v = gradient(v) - here
    return (2 / v.norm()).item()

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x = start.clone()
    velocity = 0 * start
    found = []
    for rate in lr:
        slope = gradient(x).clone()
        velocity *= momentum
        velocity += slope
        if nesterov:
            x -= rate * slope + rate * momentum * velocity
        else:
            x -= rate * velocity
        found.append(x.clone())
    return tuple(found)

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    factor = 1 / batch_size
    return [lr / factor, momentum, weight_decay * factor]

# answer: decide
def decide(rates, accuracies, classes):
    k = len(rates) - 1
    while k >= 0 and accuracies[k] < 1.5 / classes:
        k -= 1
    if k < 0:
        return "lower"
    if k == len(rates) - 1:
        return "higher"
    return rates[k]
