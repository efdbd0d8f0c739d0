"""Right answers that also print, warn, and write to stderr, as real notebooks do."""

# answer: plan
import sys
import warnings


def plan(lr, steps, warm_up):
    print("planning", steps, file=sys.stderr)
    up = [lr * k / warm_up for k in range(1, warm_up + 1)]
    return up + [lr * k / (steps - warm_up) for k in range(steps - warm_up, 0, -1)]

# answer: limit
def stable_rate(gradient, n):
    warnings.warn("this may take a moment", stacklevel=2)
    far, near = torch.randn(n, dtype=torch.float64), torch.randn(n, dtype=torch.float64)
    d = far - near
    for _ in range(400):
        d = d / d.norm()
        d = gradient(near + d) - gradient(near)
    return float(2 / d.norm())

# answer: walk
def walk(gradient, start, lr, momentum=0.0, nesterov=False):
    x, memory, trace = torch.tensor(start), [], []  # PyTorch warns: clone() is recommended
    for rate in lr:
        memory = [momentum * g for g in memory] + [gradient(x)]
        v = sum(memory)
        x = x - rate * (memory[-1] + momentum * v if nesterov else v)
        trace.append(x)
    print(len(trace), "steps")
    return trace

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    print("batch", batch_size, file=sys.stderr)
    return float(lr) * batch_size, float(momentum), float(weight_decay) / batch_size

# answer: decide
def decide(rates, accuracies, classes):
    learned = [r for r, a in zip(rates, accuracies, strict=True) if a >= 1.6 / classes]
    print(f"{len(learned)} of {len(rates)} learned", file=sys.stderr)
    if len(learned) == 0:
        return "lower"
    return "higher" if learned[-1] == rates[-1] else float(max(learned))
