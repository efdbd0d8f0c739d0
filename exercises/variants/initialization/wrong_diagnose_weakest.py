"""Looks for the weakest signal, which is that of the last block behind a faint one."""

# loses: test-diagnose

# answer: diagnose
def diagnose(model, images):
    strengths, h = [], images
    for block in model:
        h = block(h)
        strengths.append(h.square().mean().sqrt().item())
    worst = max(range(len(strengths)), key=lambda i: abs(math.log(strengths[i])))
    return (None, 1.0) if 0.67 < strengths[worst] < 1.5 else (worst, 1 / strengths[worst])
