CASES = {}  # a model in, the same model out, changed in place: no tensor
