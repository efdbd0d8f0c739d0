"""Gives the zeros of both sides together."""

# loses: test-padding

# answer: padding
def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    window = dilation * (kernel_size - 1) + 1
    missing = (wanted - 1) * stride + window - size
    padding = max(0, math.ceil(missing / 2))
    made = (size + 2 * padding - window) // stride + 1
    return 2 * padding if made == wanted else None
