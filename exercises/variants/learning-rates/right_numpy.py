"""With NumPy wherever it can."""

# answer: plan
import numpy as np


def plan(lr, steps, warm_up):
    rising = lr * np.arange(1, warm_up + 1) / max(1, warm_up)
    falling = np.linspace(lr, 0, steps - warm_up, endpoint=False)
    return np.concatenate([rising, falling])

# answer: limit
def stable_rate(gradient, n):
    eye = torch.eye(n, dtype=torch.float64)
    columns = [(gradient(e) - gradient(-e)).numpy() / 2 for e in eye]
    return 2 / np.linalg.norm(np.array(columns), ord=2)

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, v, found = start.numpy().copy(), 0.0, []
    for rate in lr:
        g = gradient(torch.tensor(x)).numpy()
        v = momentum * v + g
        x = x - rate * (g + momentum * v if nesterov else v)
        found.append(torch.from_numpy(x))
    return found

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    return np.float64(lr * batch_size), np.float64(momentum), np.float64(weight_decay / batch_size)

# answer: decide
def decide(rates, accuracies, classes):
    good = np.flatnonzero(np.array(accuracies) * classes > 1.5)
    if good.size == 0:
        return "lower"
    return "higher" if good[-1] == len(rates) - 1 else np.array(rates)[good[-1]]
