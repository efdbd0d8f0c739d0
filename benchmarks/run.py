"""Speed, side by side with the peers: `python benchmarks/run.py` measures every bar of bars.toml, one table a run.

Peer and ours take turns in one process on one thread, after a turn each that is not counted. The ratio is the peer's
seconds over ours, repeat by repeat, so a machine that slows down slows both. Exit status 1: a median below its bar.
"""

import argparse
import importlib
import platform
import statistics
import sys
import time
import tomllib
from pathlib import Path

import torch

HERE = Path(__file__).parent
HEAD = ("peer", "what is compared", "ratio", "spread", "bar", "machine")


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratios(peer, ours, repeats: int) -> list[float]:
    peer(), ours()
    return [seconds(peer) / seconds(ours) for _ in range(repeats)]


def machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{name}, {torch.get_num_threads()} thread, torch {torch.__version__}"


def measure(row: dict, repeats: int) -> tuple[str, str, str, bool]:
    """What is compared, the median ratio and its spread as text, and whether the bar is reached.

    A case may decline with a reason, and may add a function that says more once all is measured.
    """
    module, _, name = row["case"].partition(":")
    case = getattr(importlib.import_module(module), name)()
    if isinstance(case, str):
        return row["compared"], "-", case, True
    peer, ours, *notes = case
    found = ratios(peer, ours, repeats)
    median = statistics.median(found)
    compared = "; ".join([row["compared"], *(note() for note in notes)])
    return compared, f"{median:.2f}", f"{min(found):.2f}-{max(found):.2f}", median >= row["bar"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", nargs="*", help="only these cases of bars.toml, such as textbook:fp32")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bars = tomllib.loads((HERE / "bars.toml").read_text())["bar"]
    unknown = set(arguments.case) - {row["case"] for row in bars}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}; bars.toml has {', '.join(r['case'] for r in bars)}")

    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|", flush=True)
    reached = []
    for row in bars:
        if not arguments.case or row["case"] in arguments.case:
            compared, ratio, spread, enough = measure(row, arguments.repeats)
            bar = f"{row['bar']}" if enough else f"{row['bar']} MISSED"
            print("| " + " | ".join((row["peer"], compared, ratio, spread, bar, machine())) + " |", flush=True)
            reached.append(enough)
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
