"""Lets every output channel read all input channels."""

# loses: test-count

# answer: count
def multiply_adds(net, shape):
    total, h = 0, torch.zeros(1, *shape)
    for layer in net:
        h = layer(h)
        if isinstance(layer, nn.Conv2d):
            total += h.numel() * layer.in_channels * math.prod(layer.kernel_size)
        elif isinstance(layer, nn.Linear):
            total += h.numel() * layer.in_features
    return total
