"""Gives the place in the column, not the rate."""

# loses: test-decide

# answer: decide
def decide(rates, accuracies, classes):
    learned = [k for k, accuracy in enumerate(accuracies) if accuracy > 2 / classes]
    if not learned:
        return "lower"
    return "higher" if learned[-1] == len(rates) - 1 else learned[-1]
