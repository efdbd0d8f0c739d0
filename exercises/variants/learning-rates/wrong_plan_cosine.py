"""Falls along a cosine, which agrees with a line at both ends and in the middle."""

# loses: test-plan

# answer: plan
def plan(lr, steps, warm_up):
    rising = [lr * (k + 1) / warm_up for k in range(warm_up)]
    rest = steps - warm_up
    return rising + [lr * (1 + math.cos(math.pi * k / rest)) / 2 for k in range(rest)]
