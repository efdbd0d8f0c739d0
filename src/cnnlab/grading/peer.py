"""Two processes that ask each other: calls may nest, and only data crosses.

`ask` sends an operation with values and waits for its answer; while it waits it serves what the other end asks, so that
a function given as an argument can be called. Which operations there are, and what becomes of functions, modules and
objects, is each end's own: see `tests_side` and `answers_side`.
"""

import builtins
import contextlib
from collections.abc import Callable

import torch

from cnnlab.grading import changes
from cnnlab.grading.channel import Broken, Channel, TooLarge
from cnnlab.grading.grafts import Grown, graft
from cnnlab.grading.randomness import Loan, Stream
from cnnlab.grading.shares import Shares
from cnnlab.grading.tensors import DTYPES
from cnnlab.grading.values import Reader, Writer

MOST_DEPTH = 40  # of calls that wait for each other
MOST_KEPT = 20_000  # objects that this end keeps for the other
MOST_WORDS = 2000  # of an error's message


class Peer:
    """This end. `kept` are the objects and histories that the other end may name, by number."""

    def __init__(self, channel: Channel, first: int):
        self.channel, self.first = channel, first
        self.shares, self.stream = Shares(first), Stream()
        self.operations: dict[str, Callable] = {"backward": self.backward}
        self.kept, self.last = {}, 0
        self.gone: list[int] = []  # what the other end need not keep any longer
        self.depth = self.asked = 0

    # What each end adds.

    def write_foreign(self, writer: Writer, value: object) -> list:
        raise NotImplementedError

    def read_foreign(self, reader: Reader, tag: str, *rest: object) -> object:
        raise Broken(f"a value of an unknown kind came: {tag!r}")

    def keep(self, value: object) -> int:
        self.last += 1
        self.kept[self.last] = value
        if len(self.kept) > MOST_KEPT:
            raise Broken(f"more than {MOST_KEPT:,} objects are kept for the other end")
        return self.last

    # Asking.

    def ask(self, operation: str, *parts: object) -> object:
        if self.depth >= MOST_DEPTH:
            raise RecursionError("functions of the test and of the answer call each other without end")
        self.depth += 1
        self.asked += 1
        serial = self.asked
        writer = Writer(self.shares, self.write_foreign)
        try:
            header = {"ask": operation, "parts": [writer.node(part) for part in parts]}
            loan = self.stream.lend() if self.depth == 1 and self.first == 1 else None
            random = writer.copy(loan.state) if loan and loan.state is not None else None
            self._send(header | {"serial": serial, "modes": _modes(), "random": random}, writer)
            return self._answer(writer, serial, loan)
        finally:
            self.depth -= 1

    def _answer(self, writer: Writer, serial: int, loan: Loan | None) -> object:
        while True:
            header, reader = self._receive(writer.given)
            if "ask" in header:
                self._serve(header, reader)
                continue
            if header.get("serial") != serial:
                raise Broken("an answer came to what was not asked")
            if loan:
                loan.give_back(header.get("drawn") is True)
            with sound():
                result = self._read_result(header, reader, writer.given)
                error = self.error(*header["error"]) if "error" in header else None
            if error:
                raise error
            return result

    def _read_result(self, header: dict, reader: Reader, given: list) -> object:
        if header.get("grown"):
            values = [reader.copy(*each) for each in header["grown"]]
            inputs = [self.shares.tensor(number) for number in header.get("inputs", ())]
            reader.grown = graft(self, header["history"], values, inputs)
        result = reader.value(header.get("answer"))
        for place, node in header.get("changes", ()):
            changes.take(reader, given[place], node)
        self._forget(header)
        return result

    def _forget(self, header: dict) -> None:
        """After the values are read: a message may use, or begin, what it says is not needed any longer."""
        for number in header.get("dropped", ()):
            self.shares.forget(number)
        for number in header.get("gone", ()):
            self.kept.pop(number, None)

    # Serving.

    def serve(self) -> None:
        """Answers until the other end is gone."""
        while True:
            header, reader = self._receive()
            self._serve(header, reader)

    def _serve(self, header: dict, reader: Reader) -> None:
        with sound():
            operation, reply = self.operations[header["ask"]], {"serial": header["serial"]}
            parts = [reader.value(node) for node in header["parts"]]
            self._forget(header)
            asked = modes(**header["modes"])
            before = self._take_random(header, reader)
        snapshots = [changes.snapshot(value) for value in reader.given]
        writer = Writer(self.shares, self.write_foreign, {id(v): i for i, v in enumerate(reader.given)})
        try:
            with asked:
                reply["answer"] = writer.node(operation(*parts))
        except Broken:
            raise
        except BaseException as error:  # SystemExit too: an answer that calls exit() is an answer that failed
            reply["error"] = self.describe(error)
        self._finish(reply, writer, list(zip(reader.given, snapshots, strict=True)))
        reply["drawn"] = before is not None and not torch.equal(before, torch.get_rng_state())
        parts.clear()
        try:
            self._send(reply, writer)
        except TooLarge as error:
            reply = {name: reply[name] for name in ("serial", "drawn")} | {"changes": []}
            self._send(reply | {"error": ["ValueError", str(error), None, ""]}, Writer(self.shares, self.write_foreign))

    def _finish(self, reply: dict, writer: Writer, given: list) -> None:
        """Adds to an answer what was changed in place, and the results that have a history."""
        moved = [(i, *pair) for i, pair in enumerate(given) if changes.changed(*pair)]
        reply["changes"] = [[i, changes.write(writer, value, before)] for i, value, before in moved]
        if not writer.grown:
            return
        inputs = self.shares.with_grad()
        reply["grown"] = [writer.copy(value) for value in writer.grown]
        reply["inputs"] = inputs
        reply["history"] = self.keep(Grown(writer.grown, [self.shares.tensor(number) for number in inputs]))

    def _take_random(self, header: dict, reader: Reader) -> torch.Tensor | None:
        if self.first == 1 or self.depth:  # only the asker's random numbers count, and not those of a call in a call
            return None
        if header.get("random"):
            torch.set_rng_state(reader.copy(*header["random"]))
        return torch.get_rng_state()

    def backward(self, history: int, grads: list) -> list:
        grown = self.kept.get(history)
        if type(grown) is not Grown:
            raise Broken("the history of a result was asked for that has none")
        return grown.backward(grads)

    # Both.

    def _send(self, header: dict, writer: Writer) -> None:
        dropped, updates = self.shares.drop(), []
        for number, tensor, data, grad in self.shares.changed():
            new_grad = None if tensor.grad is None else writer.copy(tensor.grad)
            updates.append([number, writer.copy(tensor) if data else None, [new_grad] if grad else None])
        gone, self.gone = self.gone, []
        header |= {"updates": updates, "dropped": dropped, "gone": gone}
        self.channel.send({name: value for name, value in header.items() if value not in ([], None)}, writer.parts)

    def _receive(self, known: list | None = None) -> tuple[dict, Reader]:
        header, body = self.channel.receive()
        reader = Reader(body, self.shares, self.read_foreign, known)
        with sound():
            for number, data, grad in header.get("updates", ()):
                new_grad = ... if grad is None else grad[0] and reader.copy(*grad[0])
                self.shares.write(number, data and reader.copy(*data), new_grad)
        return header, reader

    # Errors.

    def describe(self, error: BaseException) -> list:
        """Type and message of an error, a number for the end that raised it first, and a place in the answer."""
        text = error.args[0] if len(error.args) == 1 and type(error.args[0]) is str else _text(error)
        short = "MemoryError" if "can't allocate memory" in text else type(error).__name__
        return [short, text[:MOST_WORDS], getattr(error, "origin", None), ""]

    def error(self, name: str, text: str, origin: object, where: str) -> Exception:
        """The exception that came from the other end: of a built-in type, or a RuntimeError that names the type."""
        kind = getattr(builtins, str(name), None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            with contextlib.suppress(TypeError):
                return kind(str(text))
        return RuntimeError(f"{name}: {text}")


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(an error that cannot say what it is)"


@contextlib.contextmanager
def sound():
    """Inside, whatever goes wrong is the fault of a message that makes no sense."""
    try:
        yield
    except (TypeError, ValueError, LookupError, RuntimeError, AttributeError, ArithmeticError) as error:
        raise Broken(f"a message came that makes no sense: {error}") from error


def _modes() -> dict:
    return {
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
    }


@contextlib.contextmanager
def modes(grad: bool, inference: bool, dtype: str):
    """The asker's grad and inference mode and default dtype, for the time of an operation."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[dtype])
    try:
        with torch.inference_mode(inference is True), torch.set_grad_enabled(grad is True):
            yield
    finally:
        torch.set_default_dtype(before)
