"""Takes the size of the map that goes in: right only while stride and padding keep it."""

# loses: test-count

# answer: count
def multiply_adds(net, shape):
    total, h = 0, torch.zeros(1, *shape)
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            total += layer.weight.numel() * h.shape[2] * h.shape[3]
        elif isinstance(layer, nn.Linear):
            total += layer.weight.numel()
        h = layer(h)
    return total
