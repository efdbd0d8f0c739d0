"""Right answers that also print, warn, and write to stderr, as real notebooks do."""

# answer: fans
import sys
import warnings


def fans(shape, groups=1):
    print("fans of", shape, file=sys.stderr)
    return int(shape[1] * math.prod(shape[2:])), int(shape[0] / groups * math.prod(shape[2:]))

# answer: gain
def gain(f):
    warnings.warn("this may take a moment", stacklevel=2)
    z = torch.randn(2_000_000)
    return float(1 / torch.sqrt(torch.mean(f(z) ** 2)))

# answer: orthogonal
def orthogonal(shape, gain=1.0):
    print("a new matrix", shape)
    rows, columns = shape[0], math.prod(shape[1:])
    square = torch.linalg.svd(torch.randn(max(rows, columns), max(rows, columns)))[0]
    return gain * square[:rows, :columns].reshape(tuple(shape))

# answer: lsuv
@torch.no_grad()
def lsuv(model, images, variance=1.0):
    training, images = model.training, torch.tensor(images)  # PyTorch warns: clone() is recommended
    model.eval()
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            deviation = 0.0
            while abs(deviation**2 - variance) > 0.005:
                with probes.outputs(model) as seen:
                    model(images)
                deviation = seen[name].std().item()
                layer.weight *= math.sqrt(variance) / deviation
                print(name, deviation)
    model.train(training)

# answer: diagnose
def diagnose(model, images):
    h, sick, factor = torch.tensor(images), None, 1.0
    for i, block in enumerate(model):
        g = float(block(h).pow(2).mean().sqrt() / h.pow(2).mean().sqrt())
        print(f"block {i}: {g:.2f}", file=sys.stderr)
        if not 0.67 < g < 1.5:
            sick, factor = i, 1 / g
        h = block(h)
    return sick, factor
