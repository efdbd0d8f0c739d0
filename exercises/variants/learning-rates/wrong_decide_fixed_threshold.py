"""Calls everything below one half a collapse, whatever the classes."""

# loses: test-decide

# answer: decide
def decide(rates, accuracies, classes):
    learned = [k for k, accuracy in enumerate(accuracies) if accuracy > 0.5]
    if not learned:
        return "lower"
    return "higher" if learned[-1] == len(rates) - 1 else rates[learned[-1]]
