"""Scales the rate alone: the decay becomes many times as strong."""

# loses: test-mean

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    return lr * batch_size, momentum, weight_decay
