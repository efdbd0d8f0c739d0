"""Functional style: QR, one set of hooks for all layers, einsum, quadrature in float64."""

# answer: fans
def fans(shape, groups=1):
    weight = torch.empty(shape)
    return weight[0].numel(), weight[:, 0].numel() // groups

# answer: gain
def gain(f):
    z = torch.linspace(-12, 12, 48_001, dtype=torch.float64)
    p = torch.distributions.Normal(0.0, 1.0).log_prob(z).exp()
    return torch.trapezoid(p * f(z) ** 2, z).rsqrt()

# answer: orthogonal
def orthogonal(shape, gain=1.0):
    a = torch.randn(shape).flatten(1)
    tall = a.size(0) >= a.size(1)
    q = torch.linalg.qr(a if tall else a.mT).Q
    return nn.Parameter(gain * (q if tall else q.mT.contiguous()).reshape(shape))

# answer: lsuv
def lsuv(model, images, variance=1.0):
    outputs = {}
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    hooks = [m.register_forward_hook(lambda m, _, out: outputs.__setitem__(m, out.detach())) for m in layers]
    was, _ = model.training, model.train(False)
    try:
        for layer in layers:
            for _ in range(20):
                model(images)
                layer.weight.data /= torch.std(outputs[layer]) / math.sqrt(variance)
    finally:
        [hook.remove() for hook in hooks]
        model.train(was)

# answer: diagnose
def diagnose(model, images):
    steps = [images]
    for block in model:
        steps.append(block(steps[-1]))
    power = torch.stack([torch.einsum("i,i->", x.flatten(), x.flatten()) / x.numel() for x in steps])
    gains = (power[1:] / power[:-1]).sqrt()
    sick = ((gains <= 0.67) | (gains >= 1.5)).nonzero().flatten().tolist()
    return (sick[0], (1 / gains[sick[0]]).item()) if sick else (None, 1.0)
