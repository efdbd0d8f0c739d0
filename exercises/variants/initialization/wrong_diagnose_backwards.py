"""Gives the gain itself, not the factor that undoes it."""

# loses: test-diagnose

# answer: diagnose
def diagnose(model, images):
    gains, h = [], images
    for block in model:
        out = block(h)
        gains.append((out.square().mean() / h.square().mean()).sqrt().item())
        h = out
    worst = max(range(len(gains)), key=lambda i: abs(math.log(gains[i])))
    return (None, 1.0) if 0.67 < gains[worst] < 1.5 else (worst, gains[worst])
