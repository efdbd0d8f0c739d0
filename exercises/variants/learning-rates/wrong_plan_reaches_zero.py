"""Falls to 0 at the last step, which then does nothing."""

# loses: test-plan

# answer: plan
def plan(lr, steps, warm_up):
    rising = [lr * (k + 1) / warm_up for k in range(warm_up)]
    rest = steps - warm_up
    return rising + [lr * (1 - k / max(1, rest - 1)) for k in range(rest)]
