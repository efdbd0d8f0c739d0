"""Falls over the whole run: after the warm-up the rate jumps down."""

# loses: test-plan

# answer: plan
def plan(lr, steps, warm_up):
    falling = [lr * (1 - k / steps) for k in range(steps)]
    return [lr * (k + 1) / warm_up for k in range(warm_up)] + falling[warm_up:]
