"""Takes a negative padding for an answer where the map is too large already."""

# loses: test-padding

# answer: padding
def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    window = dilation * (kernel_size - 1) + 1
    missing = (wanted - 1) * stride + window - size
    padding = math.ceil(missing / 2)
    made = (size + 2 * padding - window) // stride + 1
    return padding if made == wanted else None
