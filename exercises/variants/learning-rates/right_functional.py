"""Functional style: tensors of rates, an accumulated sum, medians of neighbors."""

# answer: plan
def plan(lr, steps, warm_up):
    def rate(k):
        return min((k + 1) / warm_up if warm_up else 1.0, (steps - k) / (steps - warm_up))

    return (lr * torch.tensor([rate(k) for k in range(steps)], dtype=torch.float64)).unbind()

# answer: limit
def stable_rate(gradient, n):
    jacobian = torch.autograd.functional.jacobian(gradient, torch.zeros(n, dtype=torch.float64))
    return 2 / torch.linalg.matrix_norm(jacobian, ord=2)

# answer: walk
from itertools import accumulate


def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    def step(state, rate):
        x, v = state
        g = gradient(x)
        v = g.add(v, alpha=momentum)
        return x.sub(g.add(v, alpha=momentum) if nesterov else v, alpha=rate), v

    return [x for x, _ in accumulate(lr, step, initial=(start, torch.zeros_like(start)))][1:]

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    return torch.tensor(lr, dtype=torch.float64) * batch_size, momentum, weight_decay / batch_size

# answer: decide
def decide(rates, accuracies, classes):
    tails = [max(accuracies[k:]) * classes > 1.5 for k in range(len(rates))]
    if not tails[0]:
        return "lower"
    return "higher" if tails[-1] else rates[tails.index(False) - 1]
