"""Counts each weight once: those of a convolution work at every place."""

# loses: test-count

# answer: count
def multiply_adds(net, shape):
    total, h = 0, torch.zeros(1, *shape)
    with torch.no_grad():
        for layer in net:
            h = layer(h)
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                total += layer.weight.numel()
    return total
