CASES = {}  # numbers in, numbers out: compared with torch in test_cycles.py
