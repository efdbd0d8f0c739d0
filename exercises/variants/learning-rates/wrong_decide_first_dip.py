"""Takes the first wrong look for the collapse."""

# loses: test-decide

# answer: decide
def decide(rates, accuracies, classes):
    bad = 1.5 / classes
    if max(accuracies) < bad:
        return "lower"
    first = next(k for k, accuracy in enumerate(accuracies) if accuracy > bad)
    for k in range(first, len(rates)):
        if accuracies[k] < bad:
            return rates[k - 1]
    return "higher"
