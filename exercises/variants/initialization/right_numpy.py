"""With NumPy wherever it can."""

# answer: fans
import numpy as np


def fans(shape, groups=1):
    one_group = np.array([shape[1], shape[0] // groups])
    return tuple(int(n) for n in one_group * np.prod(shape[2:], dtype=int))

# answer: gain
def gain(f):
    z = np.linspace(-9, 9, 20_001)
    values = f(torch.from_numpy(z)).numpy()
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return 1 / np.sqrt(np.sum(density * values**2) * (z[1] - z[0]))

# answer: orthogonal
def orthogonal(shape, gain=1.0):
    rows, columns = shape[0], int(np.prod(shape[1:]))
    q, r = np.linalg.qr(np.random.randn(max(rows, columns), min(rows, columns)))
    q = q * np.sign(np.diag(r))
    q = q.T if rows < columns else q
    return torch.tensor(gain * q, dtype=torch.float32).view(*shape)

# answer: lsuv
def lsuv(model, images, variance=1.0):
    was = model.training
    model.eval()
    names = [n for n, m in model.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    for name in names:
        layer = model.get_submodule(name)
        for _ in range(15):
            with torch.no_grad(), probes.outputs(model) as seen:
                model(images.clone())
            spread = np.var(seen[name].numpy())
            layer.weight.data.mul_(float(np.sqrt(variance / spread)))
    model.train(was)

# answer: diagnose
def diagnose(model, images):
    rms = [np.sqrt(np.mean(images.numpy() ** 2))]
    x = images.clone()
    for block in model:
        x = block(x)
        rms.append(np.sqrt(np.mean(x.detach().numpy() ** 2)))
    log_gains = np.diff(np.log(rms))
    worst = np.argmax(np.abs(log_gains))
    if np.log(0.67) < log_gains[worst] < np.log(1.5):
        return None, 1.0
    return worst, np.exp(-log_gains[worst])
