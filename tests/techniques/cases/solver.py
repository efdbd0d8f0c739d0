CASES = {}  # a model in, parameter groups or an optimizer out: no tensor
