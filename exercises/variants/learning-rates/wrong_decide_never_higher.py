"""Gives the last rate where the test has not reached the limit."""

# loses: test-decide

# answer: decide
def decide(rates, accuracies, classes):
    learned = [rate for rate, accuracy in zip(rates, accuracies) if accuracy > 2 / classes]
    return learned[-1] if learned else "lower"
