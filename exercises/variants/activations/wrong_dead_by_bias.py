"""Judges by the bias and never looks at an image."""

# loses: test-dead

# answer: dead
def dead(model, batches):
    before = [model[i - 1] if hasattr(model[i - 1], "bias") else model[i - 2] for i, m in enumerate(model) if isinstance(m, nn.ReLU)]
    return [tuple((layer.bias < -100).nonzero().flatten().tolist()) for layer in before]
