"""Sees no difference between a test that never learned and one without a limit."""

# loses: test-decide

# answer: decide
def decide(rates, accuracies, classes):
    learned = [k for k, accuracy in enumerate(accuracies) if accuracy > 2 / classes]
    if not learned or learned[-1] == len(rates) - 1:
        return "higher"
    return rates[learned[-1]]
