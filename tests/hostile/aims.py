"""Answers by somebody who has read `src/cnnlab/grading/`."""

from hostile.rows import CRASH, FAIL, LOST, MEMORY, PASS, TIME, Attack, finds, inside
from hostile.wire import answers, frames

AIMS = {}
