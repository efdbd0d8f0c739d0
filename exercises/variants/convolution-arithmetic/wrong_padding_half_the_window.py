"""Half of the window keeps a map at stride 1; here every map is taken for that."""

# loses: test-padding

# answer: padding
def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    return dilation * (kernel_size - 1) // 2
