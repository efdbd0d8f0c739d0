"""Everything by hand, one number at a time."""

# answer: padding
def padding_for(size, wanted, kernel_size, stride=1, dilation=1):
    padding = 0
    while True:
        free = size + 2 * padding - dilation * (kernel_size - 1) - 1
        made = free // stride + 1 if free >= 0 else 0
        if made == wanted:
            return padding
        if made > wanted:
            return None
        padding += 1

# answer: window
def window(respond, height, width):
    top, bottom, left, right = height, -1, width, -1
    for _ in range(25):
        picture = 3 * torch.rand(height, width) - 1.5
        before = respond(picture)
        for row in range(height):
            changed = picture.clone()
            changed[row] = torch.randn(width)
            if respond(changed) != before:
                top, bottom = min(top, row), max(bottom, row)
        for column in range(width):
            changed = picture.clone()
            changed[:, column] = torch.randn(height)
            if respond(changed) != before:
                left, right = min(left, column), max(right, column)
    return [top, bottom, left, right]

# answer: count
def multiply_adds(net, shape):
    total = 0
    image = torch.rand(shape).unsqueeze(0)
    for layer in net:
        image = layer(image)
        if isinstance(layer, nn.Conv2d):
            _, channels, height, width = image.shape
            a, b = layer.kernel_size
            total += channels * height * width * (layer.in_channels // layer.groups) * a * b
        if isinstance(layer, nn.Linear):
            total += layer.in_features * layer.out_features
    return total

# answer: kernel
def whole_kernel(depthwise, pointwise):
    rows = []
    for o in range(pointwise.shape[0]):
        rows.append(torch.stack([pointwise[o, c, 0, 0] * depthwise[c, 0] for c in range(depthwise.shape[0])]))
    return torch.stack(rows)

# answer: choose
def choose(stacks, size, field, budget):
    best, most = None, -1
    for index in range(len(stacks)):
        side, sees, step, weights, cost = size, 1, 1, 0, 0
        for n, m, k, stride, groups in stacks[index]:
            sees += (k - 1) * step
            step *= stride
            side = (side + 2 * (k // 2) - k) // stride + 1
            here = n * m * k * k // groups
            weights += here
            cost += here * side**2
        if sees < field or cost > budget:
            continue
        if weights > most:
            best, most = index, weights
    return best
