"""Counts the windows of the pools as well."""

# loses: test-count

# answer: count
def multiply_adds(net, shape):
    total, h = 0, torch.zeros(1, *shape)
    for layer in net:
        h = layer(h)
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            total += h.numel() * layer.weight[0].numel()
        elif isinstance(layer, (nn.MaxPool2d, nn.AvgPool2d)):
            total += h.numel() * layer.kernel_size**2
    return total
