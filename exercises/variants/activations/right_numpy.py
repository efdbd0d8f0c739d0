"""With NumPy wherever it can."""

# answer: elu
def elu(z, alpha=1.0):
    return torch.relu(z) + alpha * torch.expm1(-torch.relu(-z))

# answer: prelu
import numpy as np


def prelu(z, slope, gradient):
    x, g, a = z.numpy(), gradient.numpy(), slope.numpy().reshape(-1, 1, 1)
    factor = np.where(x > 0, np.ones_like(a), a)
    to_slope = np.einsum("nchw,nchw->c", g, np.minimum(x, 0))
    return torch.from_numpy(x * factor), torch.from_numpy(g * factor), torch.from_numpy(to_slope)

# answer: maxout
def maxout(z, pieces):
    return torch.stack([z[:, j::pieces] for j in range(pieces)]).amax(0)

# answer: dead
def dead(model, batches):
    training = model.training
    model.eval()
    sums = {}
    with torch.no_grad():
        for x in batches:
            for k, layer in enumerate(model):
                x = layer(x.clone())
                if isinstance(layer, nn.ReLU):
                    axes = tuple(a for a in range(x.ndim) if a != 1)
                    sums[k] = sums.get(k, 0) + (x.numpy() > 0).sum(axis=axes)
    model.train(training)
    return [tuple(np.flatnonzero(total == 0)) for total in sums.values()]

# answer: choose
def choose(functions, layers):
    z = np.linspace(-8.5, 8.5, 100_000)
    p = np.exp(-(z**2) / 2)
    shares = []
    for f in functions.values():
        y = f(torch.from_numpy(z)).numpy()
        shares.append((np.sum(p * np.gradient(y, z) ** 2) / np.sum(p * y**2)) ** layers)
    k = np.argmin(np.abs(np.log(shares)))
    return list(functions)[k], shares[k]
