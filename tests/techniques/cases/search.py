CASES = {}  # settings in, settings out: no tensor
