"""Takes for granted that the images have mean square 1."""

# loses: test-diagnose

# answer: diagnose
def diagnose(model, images):
    gains, before, h = [], torch.ones(1), images
    for block in model:
        out = block(h)
        gains.append((out.square().mean() / before.square().mean()).sqrt().item())
        h = before = out
    worst = max(range(len(gains)), key=lambda i: abs(math.log(gains[i])))
    return (None, 1.0) if 0.67 < gains[worst] < 1.5 else (worst, 1 / gains[worst])
