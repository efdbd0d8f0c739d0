"""Lets autograd and torch's own functions do the work, with hooks and float32."""

# answer: elu
def elu(z, alpha=1.0):
    return F.elu(z, alpha)

# answer: prelu
def prelu(z, slope, gradient):
    z, slope = z.detach().clone().requires_grad_(), slope.detach().clone().requires_grad_()
    y = F.prelu(z, slope)
    y.backward(gradient)
    return y, z.grad, slope.grad

# answer: maxout
def maxout(z, pieces):
    return z.view(len(z), z.shape[1] // pieces, pieces, *z.shape[2:]).max(2).values

# answer: dead
def dead(model, batches):
    relus, most = [m for m in model.modules() if isinstance(m, nn.ReLU)], {}

    def look(m, _, y):
        top = y.detach().transpose(0, 1).flatten(1).amax(1)
        most[m] = torch.maximum(most.get(m, top), top)

    hooks, training = [m.register_forward_hook(look) for m in relus], model.training
    model.eval()
    for x in batches:
        model(x)
    model.train(training)
    [hook.remove() for hook in hooks]
    return [tuple(i for i, value in enumerate(most[m].tolist()) if value == 0) for m in relus]

# answer: choose
def choose(functions, layers):
    def share(f):
        z = (torch.arange(60_000) / 3000 - 10 + 1 / 6000).double().requires_grad_()
        p = torch.distributions.Normal(0.0, 1.0).log_prob(z).exp().detach()
        y = f(z)
        y.sum().backward()
        return float((torch.trapezoid(p * z.grad**2, z) / torch.trapezoid(p * y**2, z)) ** layers)

    found = [(share(f), name) for name, f in functions.items()]
    value, name = min(found, key=lambda pair: max(pair[0], 1 / pair[0]))
    return name, value
