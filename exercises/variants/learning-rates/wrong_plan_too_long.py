"""Puts the warm-up before the run instead of into it."""

# loses: test-plan

# answer: plan
def plan(lr, steps, warm_up):
    rising = [lr * (k + 1) / warm_up for k in range(warm_up)]
    return rising + [lr * (1 - k / steps) for k in range(steps)]
