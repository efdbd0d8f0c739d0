"""Scalars as an event file that TensorBoard reads, written with the standard library alone.

A file is a row of records: the length of what follows, its checksum, an `Event` as a protocol buffer, its checksum.
"""

import math
import struct
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5  # how a protocol buffer says what comes
VERSION = b"brain.Event:2"
TOO_MUCH = 2.0**128 - 2.0**103  # from here on single precision has infinity


def write_events(columns: Mapping[str, Sequence[float]], folder: str | Path) -> Path:
    """Every column as a scalar of TensorBoard, in a new file of `folder`, which is made: its path (row G05).

    Columns as long as `step` are drawn over its values, others over 1, 2, 3, ... Names and what is missing are left out.
    In a loop that trains, `torch.utils.tensorboard.SummaryWriter` adds to its file as it goes, histograms and graphs
    too; it needs TensorBoard itself.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    path = folder / f"events.out.tfevents.{time.time_ns()}.cnnlab"
    steps = columns.get("step", ())
    with path.open("xb") as file:
        file.write(record(field(1, DOUBLE, now) + field(3, BYTES, VERSION)))
        for name, column in columns.items():
            over = steps if len(column) == len(steps) else range(1, len(column) + 1)
            kept = [
                (step, value) for step, value in zip(over, column, strict=True) if not isinstance(value, str | None)
            ]
            file.writelines(record(scalar(name, int(step), value, now)) for step, value in kept)
    return path


def scalar(name: str, step: int, value: float, now: float) -> bytes:
    """An `Event` with one value."""
    single = math.copysign(math.inf, value) if abs(value) >= TOO_MUCH else value
    summary = field(1, BYTES, field(1, BYTES, name.encode()) + field(2, FLOAT, single))
    return field(1, DOUBLE, now) + field(2, VARINT, step % 2**64) + field(5, BYTES, summary)


def field(number: int, kind: int, value) -> bytes:
    """One field of a protocol buffer: its number and kind, then the value in that form."""
    forms = {
        VARINT: varint,
        DOUBLE: struct.Struct("<d").pack,
        BYTES: lambda data: varint(len(data)) + data,
        FLOAT: struct.Struct("<f").pack,
    }
    return varint(number << 3 | kind) + forms[kind](value)


def varint(value: int) -> bytes:
    """Seven bits a byte, the low ones first; the top bit says that more follow."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def record(data: bytes) -> bytes:
    """`data` with its length before it and a checksum after each."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(crc32c(length))) + data + struct.pack("<I", masked(crc32c(data)))


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum: 0xE3069283 for b"123456789"."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """A checksum as it is stored, so that a file of files does not check by accident."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _entry(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


TABLE = [_entry(byte) for byte in range(256)]
