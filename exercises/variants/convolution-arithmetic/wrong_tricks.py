"""Tricks: NaN, an object that says yes to every comparison, an empty tensor, a word."""

# loses: test-padding test-window test-count test-kernel test-choose

# answer: padding
class Agreeable:
    """Equal to everything."""

    __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
    __hash__ = None


def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    return Agreeable()

# answer: window
def window(respond, height, width):
    return (math.nan,) * 4

# answer: count
class Count(int):
    __eq__ = lambda self, other: True
    __hash__ = None


def multiply_adds(net, shape):
    return Count(1)

# answer: kernel
def whole_kernel(depthwise, pointwise):
    return torch.empty(0)

# answer: choose
def choose(stacks, size, field, budget):
    return "the best"
