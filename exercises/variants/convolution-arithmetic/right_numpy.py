"""With NumPy wherever it can."""

# answer: padding
import numpy as np


def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    paddings = np.arange(10_000)
    free = size + 2 * paddings - dilation * (kernel_size - 1) - 1
    fits = np.flatnonzero((free >= 0) & (free // stride + 1 == wanted))
    return fits[0] if fits.size else None

# answer: window
def window(respond, height, width):
    random_numbers, seen = np.random.default_rng(5), [set(), set()]
    for _ in range(20):
        picture = random_numbers.normal(size=(height, width)).astype(np.float32)
        before = respond(torch.from_numpy(picture))
        for axis in (0, 1):
            for i in range(picture.shape[axis]):
                changed = np.moveaxis(picture.copy(), axis, 0)
                changed[i] = np.random.permutation(changed[i]) + random_numbers.normal()
                if respond(torch.from_numpy(np.moveaxis(changed, 0, axis).copy())) != before:
                    seen[axis].add(i)
    return np.min(list(seen[0])), np.max(list(seen[0])), np.min(list(seen[1])), np.max(list(seen[1]))

# answer: count
def multiply_adds(net, shape):
    h, products = torch.zeros(2, *shape), []
    for layer in net:
        h = layer(h)
        if type(layer) in (nn.Conv2d, nn.Linear):
            products.append(np.prod(h.shape[1:]) * np.prod(layer.weight.shape[1:]))
    return int(np.sum(products))

# answer: kernel
def whole_kernel(depthwise, pointwise):
    windows, mixture = depthwise.detach().numpy()[:, 0], pointwise.detach().numpy()[:, :, 0, 0]
    return torch.from_numpy(np.einsum("oc,ckl->ockl", mixture, windows))

# answer: choose
def choose(stacks, size, field, budget):
    def weights(layers):
        return np.array([n // g * m * k**2 for n, m, k, _, g in layers])

    def possible(layers):
        k, strides = np.array(layers)[:, 2], np.array(layers)[:, 3]
        steps = np.cumprod(np.append(1, strides))
        cost = weights(layers) @ np.ceil(size / steps[1:]) ** 2
        return 1 + (k - 1) @ steps[:-1] >= field and cost <= budget

    return max((i for i, s in enumerate(stacks) if possible(s)), key=lambda i: weights(stacks[i]).sum(), default=None)
