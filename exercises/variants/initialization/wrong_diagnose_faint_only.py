"""Looks for the smallest gain, so a block that is too loud is missed."""

# loses: test-diagnose

# answer: diagnose
def diagnose(model, images):
    gains, h = [], images
    for block in model:
        out = block(h)
        gains.append((out.square().mean() / h.square().mean()).sqrt().item())
        h = out
    worst = min(range(len(gains)), key=lambda i: gains[i])
    return (None, 1.0) if 0.67 < gains[worst] < 1.5 else (worst, 1 / gains[worst])
