"""Squares the first side of the window."""

# loses: test-count

# answer: count
def multiply_adds(net, shape):
    total, h = 0, torch.zeros(1, *shape)
    for layer in net:
        h = layer(h)
        if isinstance(layer, nn.Conv2d):
            total += h.numel() * layer.in_channels // layer.groups * layer.kernel_size[0] ** 2
        elif isinstance(layer, nn.Linear):
            total += h.numel() * layer.in_features
    return total
