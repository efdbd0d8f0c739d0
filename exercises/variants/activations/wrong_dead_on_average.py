"""Calls a unit dead that is silent for more than 95 of 100 images and places."""

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
                on = (h > 0).float().transpose(0, 1).flatten(1).mean(dim=1) > 0.05
                fired[i] = fired.get(i, False) | on
    model.train(training)
    return [tuple((~alive).nonzero().flatten().tolist()) for alive in fired.values()]
