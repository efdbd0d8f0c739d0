"""Treats the block in the caller's model instead of only naming it."""

# loses: test-diagnose

# answer: diagnose
def diagnose(model, images):
    gains, h = [], images
    for block in model:
        out = block(h)
        gains.append((out.square().mean() / h.square().mean()).sqrt().item())
        h = out
    worst = max(range(len(gains)), key=lambda i: abs(math.log(gains[i])))
    if 0.67 < gains[worst] < 1.5:
        return None, 1.0
    with torch.no_grad():
        model[worst][0].weight /= gains[worst]
    return worst, 1 / gains[worst]
