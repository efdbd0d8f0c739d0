"""Scales by the root of the batch size, the rule for noise and not for units."""

# loses: test-mean

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    return lr * math.sqrt(batch_size), momentum, weight_decay / math.sqrt(batch_size)
