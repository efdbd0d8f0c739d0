"""Gives the rate of the best accuracy, not the largest that learned."""

# loses: test-decide

# answer: decide
def decide(rates, accuracies, classes):
    if max(accuracies) < 1.5 / classes:
        return "lower"
    if accuracies[-1] > 1.5 / classes:
        return "higher"
    return rates[accuracies.index(max(accuracies))]
