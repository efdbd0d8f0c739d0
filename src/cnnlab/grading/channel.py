"""Frames over a socket: a JSON header and raw bytes. Both are bounded, and nothing in a frame is ever executed.

No pickle, no code, no names of classes to look up: whoever reads a frame gets numbers, strings and bytes, or `Broken`.
"""

import json
import os
import socket
import struct
from collections.abc import Sequence

HEAD = struct.Struct(">II")  # bytes of the header, bytes of the body
MOST_HEADER = 4 << 20  # read into Python objects, which take about thirty times as much
MOST_FDS = 253  # Linux sends no more at once; three fewer tests fit into one exercise
SMALL, LARGE = 1 << 16, 1 << 20  # bytes that are sent or read in one call


_json = json.JSONEncoder(separators=(",", ":")).encode


class Broken(Exception):
    """The other end is gone, or sent what is no frame."""


class TooLarge(Exception):
    """What was to be sent is larger than a message may be."""


class Channel:
    """One end of a socket on which frames go both ways; `most` bounds the bytes of a body."""

    def __init__(self, end: socket.socket, most: int = 64 << 20):
        self.end, self.most, self.ahead = end, most, bytearray()

    def send(self, header: object, body: Sequence[memoryview] = ()) -> None:
        text = _json(header).encode()
        size = sum(part.nbytes for part in body)
        if len(text) > MOST_HEADER or size > self.most:
            raise TooLarge(f"a message of {len(text) + size:,} bytes; at most {self.most:,} can cross")
        parts = [HEAD.pack(len(text), size) + text, *body]
        try:
            for part in [b"".join(parts)] if size < SMALL else parts:  # few calls: each may wake the other end
                self.end.sendall(part)
        except OSError as error:
            raise Broken("the other end is gone") from error

    def receive(self) -> tuple[dict, bytearray]:
        text_size, body_size = HEAD.unpack(self._read(HEAD.size))
        if text_size > MOST_HEADER or body_size > self.most:
            raise Broken(f"a message of {text_size + body_size:,} bytes came; at most {self.most:,} may")
        text, body = self._read(text_size), self._read(body_size)
        try:
            header = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Broken(f"a header came that is not JSON: {error}") from None
        if type(header) is not dict:
            raise Broken("a header came that is not an object")
        return header, body

    def _read(self, size: int) -> bytearray:
        read, self.ahead = self.ahead[:size], self.ahead[size:]
        while len(read) < size:
            missing = size - len(read)
            try:
                new = self.end.recv(max(missing, SMALL) if missing < SMALL else min(missing, LARGE))
            except OSError as error:
                raise Broken("the other end is gone") from error
            if not new:
                raise Broken("the other end is gone")
            read += new[:missing]
            self.ahead += new[missing:]
        return read


def send_job(end: socket.socket, job: dict, fds: Sequence[int]) -> None:
    """A job in a file of its own, with open files beside it, from the coordinator to a server.

    The server hands it on unread: what it had read would lie in the memory of every room that is forked from it later.
    """
    with os.fdopen(os.memfd_create("job"), "wb") as file:
        file.write(json.dumps(job).encode())
        file.flush()
        socket.send_fds(end, [b"!"], [file.fileno(), *fds])


def receive_job(end: socket.socket) -> list[int]:
    """The files that `send_job` sent, that of the job first; none when the coordinator is gone."""
    return socket.recv_fds(end, 1, MOST_FDS)[1]


def read_job(fds: list[int]) -> dict:
    """The job; takes its file out of `fds` and closes it."""
    with os.fdopen(fds.pop(0), "rb") as file:
        file.seek(0)
        return json.load(file)
