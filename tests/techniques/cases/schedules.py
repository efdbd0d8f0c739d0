CASES = {}
NO_TENSORS = {"SCHEDULES": "numbers in, numbers out: compared with torch in test_schedules.py"}
