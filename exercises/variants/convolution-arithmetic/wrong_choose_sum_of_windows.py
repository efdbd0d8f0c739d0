"""Adds whole windows: two of 3 see 5, not 6."""

# loses: test-choose

# answer: choose
def choose(stacks, size, field, budget):
    found = []
    for index, layers in enumerate(stacks):
        side, sees, step, weights, cost = size, 1, 1, 0, 0
        for n, m, k, stride, groups in layers:
            side, sees, step = -(-side // stride), sees * (sees > 1) + k * step, step * stride
            weights += n // groups * m * k * k
            cost += n // groups * m * k * k * side * side
        if sees >= field and cost <= budget:
            found.append((weights, index))
    return max(found)[1] if found else None
