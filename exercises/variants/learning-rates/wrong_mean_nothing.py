"""Thinks that the two are the same."""

# loses: test-mean

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    return lr, momentum, weight_decay
