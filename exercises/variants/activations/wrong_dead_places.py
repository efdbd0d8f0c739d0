"""Counts places of a map as units of their own."""

# loses: test-dead

# answer: dead
@torch.no_grad()
def dead(model, batches):
    training, fired = model.training, {}
    model.eval()
    for h in batches:
        for i, layer in enumerate(model):
            h = layer(h)
            if isinstance(layer, nn.ReLU):
                on = (h > 0).flatten(1).any(dim=0)
                fired[i] = fired.get(i, False) | on
    model.train(training)
    return [tuple((~alive).nonzero().flatten().tolist()) for alive in fired.values()]
