"""Begins the warm-up at 0: the first step does nothing."""

# loses: test-plan

# answer: plan
def plan(lr, steps, warm_up):
    rising = [lr * k / warm_up for k in range(warm_up)]
    rest = steps - warm_up
    return rising + [lr * (1 - k / rest) for k in range(rest)]
