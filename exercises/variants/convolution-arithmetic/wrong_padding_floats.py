"""Counts with a true division: 1.0 zeros are no number of zeros."""

# loses: test-padding

# answer: padding
def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    window = dilation * (kernel_size - 1) + 1
    missing = (wanted - 1) * stride + window - size
    padding = max(0.0, (missing + missing % 2) / 2)
    made = (size + 2 * padding - window) // stride + 1
    return padding if made == wanted else None
