"""Grades submissions: student code runs in a sandbox, tests beside it, and only answers cross. See `cnnlab grade`.

Where to read: `engine` keeps the time and says what each test came to (`attempt` is one try of it, `watch` looks at its
memory and processes). `sandbox` and `isolation` make the room for the answers. `channel`, `tensors` and `values` are all
that can cross; `peer` is a call, with `shares` (tensors both ends hold), `grafts` (gradients), `randomness`, `changes` and
`modules` (what a call does to its arguments). `tests_side` and `answers_side` are the two ends, `remote`, `mirrors` and
`shadows` what each makes of the other's objects. `tests_server` and `answers_server` fork them.

What the boundary gives:

- No line of a student's runs where tests, points or other submissions are. Tests run in a process that never executes,
  looks up or unpickles anything the student's side sends; it is given numbers, strings and arrays, bounded in size.
- A verdict is written by the test's side alone. What a student's process says about itself counts for nothing but to
  its own loss: it can end, be slow, or break the rules, and loses the tests at hand.
- No test's source is ever sent to the student's side, and each test starts from a fork of its own.

What it does not give:

- An answer may be got by any means that Python offers: a library function that solves the question, an answer learned by
  heart, a table. Ask for laws on fresh inputs, and look at answers that surprise.
- The student's side sees the inputs of hidden checks when it is called with them, and may keep them in its scratch folder
  for the next test of the same submission, whose visible error text a student reads. What was wanted it never sees.
- It also decides how a function it was given is called, how often, and with what; a test must not hand out its solution.
- An answer may change its arguments in place, as in a notebook: a test that judges by an object it gave should keep a copy.
- Python's and NumPy's own random numbers do not cross, torch's do.
- The kernel is shared: see `sandbox`.
"""
