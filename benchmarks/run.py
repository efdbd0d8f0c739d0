"""Speed, side by side with the peers: `python benchmarks/run.py` measures every bar of bars.toml and prints one table.

Peer and ours take turns in one process on one thread, after a turn each that is not counted. The ratio is the peer's
seconds over ours, repeat by repeat, so a machine that slows down slows both. What a machine cannot measure says why in
words, and counts neither as reached nor as missed. Exit status 1: a median that misses its bar.

`make bench` runs it in the peers' own environment, benchmarks/.venv; progress goes to stderr.
"""

import argparse
import importlib
import json
import os
import platform
import statistics
import sys
import time
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import torch

HERE = Path(__file__).parent
HEAD = ("peer", "what is compared", "ratio", "spread", "bar", "machine")
BARS = {  # how a row may state its bar, and when the median reaches it
    "bar": ("at least", lambda median, bar: median >= bar),
    "above": ("above", lambda median, bar: median > bar),
    "at_most": ("at most", lambda median, bar: median <= bar),
}


class Result(NamedTuple):
    """A row of the table; `reached` is None where nothing was measured or no bar is set."""

    peer: str
    compared: str
    measured: list[float]
    why_not: str
    bar: str
    reached: bool | None

    def cells(self) -> tuple[str, ...]:
        bar = self.bar + (" MISSED" if self.reached is False else "")
        if not self.measured:
            return self.peer, self.compared, "not measured", self.why_not, bar, machine()
        median, ends = statistics.median(self.measured), (min(self.measured), max(self.measured))
        spread = "-".join(map(_number, ends)) if len(self.measured) > 1 else "one number"
        return self.peer, self.compared, _number(median), spread, bar, machine()


def _number(value: float) -> str:
    return f"{value:.2f}" if value > 0.01 else f"{value:.1e}"


def seconds(work: Callable) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratios(peer: Callable, ours: Callable, repeats: int) -> list[float]:
    peer(), ours()
    return [seconds(peer) / seconds(ours) for _ in range(repeats)]


def machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    if torch.cuda.is_available():
        name = f"{name} with {torch.cuda.get_device_name()}"
    return f"{name}, {torch.get_num_threads()} thread, torch {torch.__version__}"


def measure(row: dict, repeats: int) -> Result:
    """A case gives peer and ours, and perhaps functions that say more once all is measured; or numbers; or a reason."""
    kind, bar = _bar(row)
    module, _, name = row["case"].partition(":")
    case = getattr(importlib.import_module(module), name)()
    if isinstance(case, str):
        return Result(row["peer"], row["compared"], [], case, bar, None)
    peer, ours, *notes = case if isinstance(case, tuple) else (None, None)
    found = ratios(peer, ours, repeats) if peer else case
    compared = "; ".join([row["compared"], *(note() for note in notes)])
    reached = BARS[kind][1](statistics.median(found), row[kind]) if kind else None
    return Result(row["peer"], compared, found, "", bar, reached)


def _bar(row: dict) -> tuple[str | None, str]:
    """How a row states its bar, and the bar in words."""
    kind = next((kind for kind in BARS if kind in row), None)
    return kind, f"{BARS[kind][0]} {row[kind]}" if kind else "none"


def measure_all(rows: list[dict], repeats: int) -> list[Result]:
    results = []
    for number, row in enumerate(rows, start=1):
        print(f"[{number}/{len(rows)}] {row['case']} ...", end="", file=sys.stderr, flush=True)
        started = time.perf_counter()
        try:
            results.append(measure(row, repeats))
        except Exception as error:  # a peer can raise anything, and the other rows are measurements all the same
            results.append(Result(row["peer"], row["compared"], [], f"failed: {error}", _bar(row)[1], False))
        print(f" {results[-1].cells()[2]}, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return results


def table(results: list[Result]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (HEAD, *(result.cells() for result in results))]
    return "\n".join([lines[0], "|---" * len(HEAD) + "|", *lines[1:]])


def summary(results: list[Result], repeats: int, load: float) -> str:
    counts = [sum(result.reached is verdict for result in results) for verdict in (True, False)]
    unmeasured = sum(not result.measured for result in results)
    return (
        f"{counts[0]} bars reached, {counts[1]} missed, {unmeasured} rows not measured; medians of {repeats} repeats; "
        f"{os.cpu_count()} cores, load {load:.1f} before and {os.getloadavg()[0]:.1f} after"
    )


def main(argv: list[str] | None = None, bars: Path = HERE / "bars.toml") -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", help="only these cases of bars.toml, such as textbook:fp32")
    parser.add_argument("--repeats", type=int, default=7, help="turns that count (7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table there as well, with every repeat")
    arguments = parser.parse_args(argv)
    rows = tomllib.loads(bars.read_text(encoding="utf-8"))["bar"]
    if unknown := set(arguments.case) - {row["case"] for row in rows}:
        parser.error(f"no such case: {', '.join(sorted(unknown))}; bars.toml has {', '.join(r['case'] for r in rows)}")
    if arguments.repeats < 1:
        parser.error(f"--repeats {arguments.repeats} measures nothing; give 1 or more")

    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    results = measure_all(
        [row for row in rows if row["case"] in arguments.case or not arguments.case], arguments.repeats
    )
    said = summary(results, arguments.repeats, load)
    print(f"{table(results)}\n\n{said}")
    if arguments.json:
        rows = [dict(zip(HEAD, each.cells(), strict=True)) | {"measured": each.measured} for each in results]
        about = {"date": date.today().isoformat(), "summary": said, "rows": rows}
        arguments.json.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return 1 if any(result.reached is False for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
