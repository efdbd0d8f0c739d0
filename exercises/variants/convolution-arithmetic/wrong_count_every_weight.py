"""Counts all layers that have weights, normalization too."""

# loses: test-count

# answer: count
def multiply_adds(net, shape):
    total, h = 0, torch.zeros(1, *shape)
    with torch.no_grad():
        for layer in net:
            h = layer(h)
            if getattr(layer, "weight", None) is not None:
                total += h.numel() * layer.weight[0].numel()
    return total
