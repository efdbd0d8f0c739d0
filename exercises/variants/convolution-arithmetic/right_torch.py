"""Asks torch: layers are built and tried, gradients taken."""

# answer: padding
def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    for padding in range(wanted * stride + dilation * kernel_size + 1):
        if size + 2 * padding > dilation * (kernel_size - 1):
            layer = nn.Conv1d(1, 1, kernel_size, stride, padding, dilation)
            if layer(torch.zeros(1, 1, size)).shape[-1] == wanted:
                return padding

# answer: window
def window(respond, height, width):
    moved = torch.zeros(height + width)
    for _ in range(24):
        base, fresh = torch.randn(height, width), torch.randn(height, width)
        masks = [torch.arange(height)[:, None] == i for i in range(height)]
        masks += [torch.arange(width)[None] == i for i in range(width)]
        answers = torch.tensor([respond(torch.where(mask, fresh, base)) for mask in masks])
        moved += answers != respond(base)
    rows, columns = moved[:height].nonzero(), moved[height:].nonzero()
    return rows[0].item(), rows[-1].item(), columns[0].item(), columns[-1].item()

# answer: count
def multiply_adds(net, shape):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        net(torch.ones(1, *shape))
    return counter.get_total_flops() // 2

# answer: kernel
def whole_kernel(depthwise, pointwise):
    eye = torch.diag_embed(depthwise[:, 0].permute(1, 2, 0)).permute(2, 3, 0, 1)  # each channel filtered on its own
    return torch.einsum("oc,cikl->oikl", pointwise[:, :, 0, 0], eye)

# answer: choose
def choose(stacks, size, field, budget):
    from torch.utils.flop_counter import FlopCounterMode

    found = {}
    for index, layers in enumerate(stacks):
        net = nn.Sequential(*[nn.Conv2d(n, m, k, s, k // 2, groups=g, bias=False) for n, m, k, s, g in layers])
        sees = 1
        for layer in reversed(net):
            sees = (sees - 1) * layer.stride[0] + layer.kernel_size[0]
        with FlopCounterMode(display=False) as counter:
            net(torch.ones(1, 3, size, size))
        if sees >= field and counter.get_total_flops() // 2 <= budget:
            found[sum(weight.numel() for weight in net.parameters())] = index
    return found[max(found)] if found else None
