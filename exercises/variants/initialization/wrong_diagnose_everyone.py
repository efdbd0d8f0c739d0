"""Treats the worst block of every network, the healthy ones included."""

# loses: test-diagnose

# answer: diagnose
def diagnose(model, images):
    gains, h = [], images
    for block in model:
        out = block(h)
        gains.append((out.square().mean() / h.square().mean()).sqrt().item())
        h = out
    worst = max(range(len(gains)), key=lambda i: abs(math.log(gains[i])))
    return worst, 1 / gains[worst]
