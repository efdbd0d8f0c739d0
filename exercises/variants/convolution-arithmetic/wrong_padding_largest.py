"""Tries all paddings and keeps the last that fits, not the first."""

# loses: test-padding

# answer: padding
def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    window, found = dilation * (kernel_size - 1) + 1, None
    for padding in range(1000):
        if size + 2 * padding >= window and (size + 2 * padding - window) // stride + 1 == wanted:
            found = padding
    return found
