"""Right answers that also print, warn, and write to stderr, as real notebooks do."""

# answer: padding
import sys
import warnings


def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    print("padding", size, "for", wanted, file=sys.stderr)
    least = (wanted - 1) * stride + dilation * (kernel_size - 1) + 1 - size
    most = least + stride - 1
    even = least + least % 2
    if most < 0 or max(even, 0) > most:
        return None
    return max(even, 0) // 2

# answer: window
def window(respond, height, width):
    warnings.warn("this may take a moment", stacklevel=2)
    rows, columns = [], []
    for _ in range(22):
        old, new = torch.randn(height, width), 2 * torch.randn(height, width)
        answer = respond(old)
        rows += [i for i in range(height) if respond(torch.cat([old[:i], new[i : i + 1], old[i + 1 :]])) != answer]
        columns += [i for i in range(width) if respond(torch.cat([old[:, :i], new[:, i : i + 1], old[:, i + 1 :]], 1)) != answer]
    print(sorted(set(rows)), sorted(set(columns)))
    return min(rows), max(rows), min(columns), max(columns)

# answer: count
def multiply_adds(net, shape):
    counts = []

    def note(layer, inputs, output):
        print(type(layer).__name__, tuple(output.shape), file=sys.stderr)
        counts.append(output.numel() * layer.weight.numel() // layer.weight.shape[0])

    hooks = [layer.register_forward_hook(note) for layer in net if isinstance(layer, (nn.Conv2d, nn.Linear))]
    net(torch.randn(1, *shape))
    for hook in hooks:
        hook.remove()
    return sum(counts)

# answer: kernel
def whole_kernel(depthwise, pointwise):
    print(depthwise.shape, pointwise.shape)
    return torch.tensor(pointwise * depthwise[:, 0])  # PyTorch warns: clone() is recommended

# answer: choose
def choose(stacks, size, field, budget):
    best = None
    for index, layers in enumerate(stacks):
        side, sees, step, weights, cost = size, 1, 1, [], []
        for n, m, k, stride, groups in layers:
            side, sees, step = math.ceil(side / stride), sees + (k - 1) * step, step * stride
            weights.append(n * m * k * k // groups)
            cost.append(weights[-1] * side * side)
        print(index, sees, sum(weights), sum(cost), file=sys.stderr)
        if sees >= field and sum(cost) <= budget and (best is None or sum(weights) > best[1]):
            best = index, sum(weights)
    return best and best[0]
