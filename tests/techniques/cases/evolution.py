CASES = {}  # a search over tuples of whole numbers: no technique here maps tensors to tensors
