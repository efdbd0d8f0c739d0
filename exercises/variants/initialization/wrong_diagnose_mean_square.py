"""The factor of the mean square: the root is missing."""

# loses: test-diagnose

# answer: diagnose
def diagnose(model, images):
    gains, h = [], images
    for block in model:
        out = block(h)
        gains.append((out.square().mean() / h.square().mean()).item())
        h = out
    worst = max(range(len(gains)), key=lambda i: abs(math.log(gains[i])))
    return (None, 1.0) if 0.67 < gains[worst] < 1.5 else (worst, 1 / gains[worst])
