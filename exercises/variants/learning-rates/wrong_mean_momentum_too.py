"""Changes the momentum as well."""

# loses: test-mean

# answer: mean
def for_the_mean(lr, momentum, weight_decay, batch_size):
    return lr * batch_size, momentum ** (1 / batch_size), weight_decay / batch_size
