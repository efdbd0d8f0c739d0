"""Everything by hand: loops, random numbers, Gram-Schmidt, a hook for one layer at a time."""

# answer: fans
def fans(shape, groups=1):
    fan_in, fan_out = shape[1], shape[0] // groups
    for side in shape[2:]:
        fan_in = fan_in * side
        fan_out = fan_out * side
    return [fan_in, fan_out]

# answer: gain
def gain(f):
    total, batches = 0.0, 20
    for _ in range(batches):
        total = total + (f(torch.randn(100_000)) ** 2).mean()
    return (total / batches) ** -0.5

# answer: orthogonal
def orthogonal(shape, gain=1.0):
    rows, columns = shape[0], 1
    for side in shape[1:]:
        columns *= side
    basis = []
    while len(basis) < min(rows, columns):
        vector = torch.randn(max(rows, columns), dtype=torch.float64)
        for _ in range(2):
            for other in basis:
                vector = vector - (vector @ other) * other
        basis.append(vector / vector.norm())
    matrix = torch.stack(basis)
    if rows > columns:
        matrix = matrix.T
    return (gain * matrix).float().reshape(tuple(shape))

# answer: lsuv
def lsuv(model, images, variance=1.0):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    caught = []
    for layer in model.modules():
        if type(layer) in (nn.Linear, nn.Conv2d):
            hook = layer.register_forward_hook(lambda module, inputs, output: caught.append(output))
            for _ in range(20):
                with torch.no_grad():
                    model(images)
                now = caught.pop().var().item()
                if abs(now - variance) < 0.02:
                    break
                layer.weight.data = layer.weight.data * (variance / now) ** 0.5
            hook.remove()
    for module, mode in modes:
        module.training = mode
    return model

# answer: diagnose
def diagnose(model, images):
    def strength(x):
        return (x**2).mean() ** 0.5

    before = images
    for index in range(len(model)):
        after = model[index](before)
        g = strength(after) / strength(before)
        if g <= 0.67 or g >= 1.5:
            return index, 1 / g
        before = after
    return None, 1.0
