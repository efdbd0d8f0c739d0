CASES = {}  # numbers for a page come out, no tensor to go on with
