"""Everything by hand: loops, slices, random access."""

# answer: elu
def elu(z, alpha=1.0):
    positive = z > 0
    upper = torch.where(positive, z, torch.zeros_like(z))
    lower = torch.where(positive, torch.zeros_like(z), z)
    return upper + torch.expm1(lower) * alpha

# answer: prelu
def prelu(z, slope, gradient):
    y, to_z, to_slope = z.clone(), gradient.clone(), torch.zeros_like(slope)
    for c in range(z.shape[1]):
        below = z[:, c] < 0
        y[:, c][below] *= slope[c]
        to_z[:, c][below] *= slope[c]
        to_slope[c] = (gradient[:, c] * z[:, c])[below].sum()
    return y, to_z, to_slope

# answer: maxout
def maxout(z, pieces):
    best = z[:, 0::pieces]
    for j in range(1, pieces):
        other = z[:, j::pieces]
        best = torch.where(other > best, other, best)
    return best

# answer: dead
def dead(model, batches):
    was = model.training
    model.eval()
    everything, found = torch.cat(batches), []
    for layer in model:
        everything = layer(everything).detach()
        if type(layer) is nn.ReLU:
            units = range(everything.shape[1])
            found.append(tuple(c for c in units if everything[:, c].max() <= 0))
    model.train(was)
    return found

# answer: choose
def choose(functions, layers):
    h, top, bottom = 0.0002, {}, {}
    z = torch.arange(-50_000, 50_000, dtype=torch.float64) * h + h / 2
    p = torch.exp(-z * z / 2)
    for name in functions:
        values = functions[name](z)
        slopes = (values[1:] - values[:-1]) / h
        top[name] = (slopes**2 * (p[1:] + p[:-1]) / 2).sum()
        bottom[name] = (values**2 * p).sum()
    logs = {name: layers * (top[name] / bottom[name]).log() for name in functions}
    name = sorted(logs, key=lambda each: logs[each].abs())[0]
    return name, logs[name].exp()
