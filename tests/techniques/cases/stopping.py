CASES = {}  # losses in, a decision out; polynomials are fitted in float64 whatever comes in
