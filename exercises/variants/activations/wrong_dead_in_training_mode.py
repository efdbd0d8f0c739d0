"""Measures with dropout at work."""

# loses: test-dead

# answer: dead
@torch.no_grad()
def dead(model, batches):
    training, fired = model.training, {}
    model.train()
    for h in batches:
        for i, layer in enumerate(model):
            h = layer(h)
            if isinstance(layer, nn.ReLU):
                on = (h > 0).transpose(0, 1).flatten(1).any(dim=1)
                fired[i] = fired.get(i, False) | on
    model.train(training)
    return [tuple((~alive).nonzero().flatten().tolist()) for alive in fired.values()]
