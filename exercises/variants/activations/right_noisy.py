"""Right answers that also print, warn, and write to stderr, as real notebooks do."""

# answer: elu
import sys
import warnings


def elu(z, alpha=1.0):
    warnings.warn("this may take a moment", stacklevel=2)
    y = torch.empty_like(z)
    above = z > 0
    y = y.masked_scatter(above, z[above])
    return y.masked_scatter(~above, alpha * torch.expm1(z[~above]))

# answer: prelu
def prelu(z, slope, gradient):
    print("slopes", slope, file=sys.stderr)
    a = slope[None, :, None, None]
    return [z.relu() - a * (-z).relu(), gradient * ((z > 0) + a * (z < 0)), (gradient * z * (z < 0)).sum((0, 2, 3))]

# answer: maxout
def maxout(z, pieces):
    print("maxout of", tuple(z.shape))
    groups = z.split(pieces, dim=1)
    return torch.cat([group.amax(dim=1, keepdim=True) for group in groups], dim=1)

# answer: dead
@torch.no_grad()
def dead(model, batches):
    was, net = model.training, copy.deepcopy(model).eval()
    print("was in training" if was else "was in evaluation")
    alive = {}
    for x in batches:
        x = torch.tensor(x)  # PyTorch warns: clone() is recommended
        for name, layer in net.named_children():
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                alive.setdefault(name, set()).update((x > 0).nonzero()[:, 1].tolist())
                alive[name, "units"] = x.shape[1]
    return [tuple(c for c in range(alive[k, "units"]) if c not in alive[k]) for k in alive if isinstance(k, str)]

# answer: choose
def choose(functions, layers):
    warnings.warn("this may take a moment", stacklevel=2)
    z = torch.linspace(-7.5, 7.5, 30_000, dtype=torch.float64, requires_grad=True)
    p = torch.exp(-(z**2) / 2).detach()
    best = None
    for name, f in functions.items():
        y = f(z)
        s = torch.autograd.grad(y, z, torch.ones_like(y))[0]
        r = ((s**2 * p).mean() / (y**2 * p).mean()).item()
        print(name, r)
        if best is None or abs(math.log(r)) < abs(math.log(best[1])):
            best = name, r
    return best[0], best[1] ** layers
