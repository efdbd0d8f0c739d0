"""How much faster two workers are than one: `python benchmarks/scaling.py [--seconds 20]`, on a quiet machine.

Not a row of `make bench`: at 20 seconds a run it takes seven minutes.
"""

import argparse
import os
import statistics
import time

from cnnlab.config import Config
from cnnlab.sweep.jobs import Job
from cnnlab.sweep.one import run_job
from cnnlab.sweep.processes import Processes
from cnnlab.sweep.workers import measure

RUNS = 12
BAR = 1.7


def jobs(steps: int, count: int = RUNS) -> list[Job]:
    config = Config().with_fields(dataset="shapes", image_size=16, width=8, steps=steps, epochs=1)
    return [Job(((config, {"seed": str(seed)}, seed),)) for seed in range(count)]


def steps_for(seconds: float) -> int:
    """The steps that take this long here, by a run of 200."""
    (run,) = run_job(jobs(200, 1)[0])
    return max(1, round(200 * seconds / run.seconds))


def timed(workers: int, steps: int) -> tuple[float, float]:
    """Seconds for all runs, and the median run's, with this many workers that have started and loaded the data."""
    with Processes(workers) as pool:
        list(measure(jobs(2, workers), pool))
        started = time.perf_counter()
        runs = [run for finished in measure(jobs(steps), pool) for run in finished]
        return time.perf_counter() - started, statistics.median(run.seconds for run in runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of a run (default: 20)")
    steps = steps_for(parser.parse_args().seconds)
    print(f"{RUNS} runs of {steps} steps; load of the machine before: {os.getloadavg()[0]:.1f}")
    (one, alone), (two, beside) = timed(1, steps), timed(2, steps)
    print(f"one worker {one:.1f} s, a run {alone:.1f} s; two workers {two:.1f} s, a run {beside:.1f} s")
    print(f"two workers against one: {one / two:.2f}x, bar {BAR}x, {'reached' if one / two >= BAR else 'MISSED'}")
