"""Columns of a record in, findings out: what a person would read off the curves, and why.

    for finding in diagnose(run.curves):
        print(finding)

Thresholds and rules were chosen on some recorded runs and are judged on others, `tests/data/curves.json`.
"""

from collections.abc import Mapping, Sequence

from cnnlab.diagnosis.columns import columns_of, read_csv, write_csv
from cnnlab.diagnosis.events import write_events
from cnnlab.diagnosis.findings import Finding, finding
from cnnlab.diagnosis.internals import inside
from cnnlab.diagnosis.reading import Reading, noise, read, turning_point
from cnnlab.diagnosis.rules import ENDS, RULES

__all__ = [
    "Finding",
    "Reading",
    "classify_rate",
    "columns_of",
    "diagnose",
    "noise",
    "read",
    "read_csv",
    "turning_point",
    "write_csv",
    "write_events",
]

RATES = {"diverged": "diverged", "learning rate too high": "high", "learning rate too low": "low"}


def diagnose(columns: Mapping[str, Sequence], *, classes: int | None = None) -> list[Finding]:
    r"""What the curves of a run say, the gravest first; one finding called "healthy" where nothing is wrong.

    The readings of S4's section 7 (rows G01, G02, G03): the shape of the loss tells the learning rate, the width of
    its band the batch size, the gap between train and valid whether to regularize or to enlarge the net (row R11).

    `columns` are a record's, or those of `columns_of`: `losses` (a value a step) or `train_loss` is needed; `valid_loss`,
    `train_accuracy` and `valid_accuracy`, as fractions or in %, say more. Without the loss of every step a band cannot
    be seen. With `classes` given, a loss is compared with that of a guess, $\ln C$, else with its own start. `dead`,
    `variance` and `update_ratio`, a value a layer as `cnnlab.probes.monitor` gives them, are read too (row G04).
    A column of losses that is missing or empty raises a `ValueError`. Source: {cite:t}`wei2015must`.
    """
    r = read(columns, classes)
    for name, rule in ENDS.items():
        if evidence := rule(r):
            return [finding(name, evidence), *inside(columns)]
    found = [finding(name, evidence) for name, rule in RULES.items() if (evidence := rule(r))]
    return [*found, *inside(columns)] or [finding("healthy", {})]


def classify_rate(columns: Mapping[str, Sequence], *, classes: int | None = None) -> str:
    """The learning rate by the shape of the loss: "low", "good", "high" or "diverged" (rows L01, G01).

    "good" is also the answer where the curve is sick of something else. Source: {cite:t}`wei2015must`.
    """
    names = [found.name for found in diagnose(columns, classes=classes)]
    return next((RATES[name] for name in names if name in RATES), "good")
