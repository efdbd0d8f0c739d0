"""Random numbers on two ends: a seed set on one counts on the other, and neither end can choose what the other draws.

A call carries the caller's random state, so that `torch.manual_seed` before it means what it means in a notebook; calls
that follow each other go on where the last one stopped. What comes back is one bit: whether anything was drawn. If so
the caller goes on from a state derived from its own, never from one sent by the other end, which could make the next
"fresh" input all zeros. Draws of the caller after a call that drew are thus other numbers than in a notebook.
"""

import hashlib

import torch
from torch import Tensor


class Stream:
    """The caller's side."""

    def __init__(self):
        self.left = None  # the state in which this end was left by the last call

    def lend(self) -> "Loan":
        return Loan(self, torch.get_rng_state())


class Loan:
    """One call: `state` is what the other end shall start from, or None to go on where it stopped."""

    def __init__(self, stream: Stream, before: Tensor):
        self.stream, self.before = stream, before
        went_on = stream.left is not None and torch.equal(stream.left, before)
        self.state = None if went_on else before
        digest = hashlib.sha256(before.numpy().tobytes()).digest()
        torch.default_generator.manual_seed(int.from_bytes(digest[:7], "big"))
        self.meanwhile = torch.get_rng_state()

    def give_back(self, drawn: bool) -> None:
        if not drawn and torch.equal(torch.get_rng_state(), self.meanwhile):
            torch.set_rng_state(self.before)
        self.stream.left = torch.get_rng_state()
