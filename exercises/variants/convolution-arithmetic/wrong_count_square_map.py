"""Squares the height of the map."""

# loses: test-count

# answer: count
def multiply_adds(net, shape):
    total, h = 0, torch.zeros(1, *shape)
    with torch.no_grad():
        for layer in net:
            h = layer(h)
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                total += layer.weight.numel() * (h.shape[2] ** 2 if h.ndim == 4 else 1)
    return total
