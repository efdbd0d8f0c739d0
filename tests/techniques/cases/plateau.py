CASES = {}  # losses in, a learning rate out: no tensor
