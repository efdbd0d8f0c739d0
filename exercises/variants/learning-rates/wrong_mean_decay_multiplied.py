"""Scales the decay with the rate."""

# loses: test-mean

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    return lr * batch_size, momentum, weight_decay * batch_size
