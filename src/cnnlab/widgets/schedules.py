"""The schedule designer: learning rates over the steps of a run, dragged, compared, and taken away as code."""

import math
from collections.abc import Sequence

import anywidget
import traitlets

from cnnlab.widgets.allowed import between, named
from cnnlab.widgets.assemble import esm

CYCLE = {"cycles": (2.0, 0.5, 10.0, 0.1), "base": (0.25, 0.0, 1.0, 0.01)}
# The parameters of each schedule: default, lowest, highest, step of its slider.
PARAMETERS = {
    "constant": {},
    "linear": {},
    "square": {},
    "sqrt": {},
    "cosine": {},
    "linear_cosine": {
        "periods": (0.5, 0.5, 8.0, 0.5),
        "alpha": (0.0, 0.0, 1.0, 0.01),
        "beta": (0.001, 0.0, 0.1, 0.001),
    },
    "step": {"first": (0.5, 0.01, 0.99, 0.01), "second": (0.75, 0.01, 0.99, 0.01)},
    "step_every": {"size": (100 / 320, 0.02, 1.0, 0.01), "gamma": (0.1, 0.01, 1.0, 0.01)},
    "one_cycle": {},
    "triangular": CYCLE,
    "triangular2": CYCLE,
    "exp_range": {**CYCLE, "end": (0.1, 0.01, 1.0, 0.01)},
    "rising": {},
}
RANGES = {
    "lr": (1e-5, 10.0, "the peak learning rate"),
    "steps": (10, 100_000, "steps of the run"),
    "warm_up": (0.0, 0.5, "share of the run; 0 is none"),
}
PINS = 3


class Schedules(anywidget.AnyWidget):
    r"""A learning rate for each step of a run, $\eta_k = \eta\, s(k / T)$ with `lr` $\eta$ and `steps` T.

    `schedule` names one of `cnnlab.techniques.schedules`, `parameters` its keyword arguments where they differ from the
    defaults; `step` has its two places here, `first` and `second`. Over the share `warm_up` of the run the rate first
    rises from 0, as in `techniques.cycles.warm_up`. `pinned` holds up to three settings that are drawn beside it.

    The page gives the sum of the rates, and after how many steps half of it is spent, and cells of Python that make the
    same rates. `rates` and `accuracies`, the lists of `training.range_test`, add a range test with the two limits of
    `techniques.cycles.range_of`. Raises a `TraitError` that says what was given and what is allowed.
    Rows L02, L03, T03.
    """

    _esm = esm("schedules")

    schedule = traitlets.Unicode("cosine").tag(sync=True)
    lr = traitlets.Float(0.1).tag(sync=True)
    steps = traitlets.Int(1000).tag(sync=True)
    warm_up = traitlets.Float(0.0).tag(sync=True)
    parameters = traitlets.Dict().tag(sync=True)
    pinned = traitlets.List().tag(sync=True)
    range_test = traitlets.Dict().tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        schedule: str = "cosine",
        *,
        rates: Sequence[float] | None = None,
        accuracies: Sequence[float] | None = None,
        **traits,
    ):
        found = {} if rates is None and accuracies is None else _columns(rates, accuracies)
        choices = {name: {key: list(value) for key, value in each.items()} for name, each in PARAMETERS.items()}
        super().__init__(schedule=schedule, range_test=found, choices=choices, **traits)

    @traitlets.validate("schedule")
    def _known(self, proposal):
        return named(PARAMETERS, proposal["value"], "schedule")

    @traitlets.validate(*RANGES)
    def _in_range(self, proposal):
        return between(proposal["trait"].name, proposal["value"], *RANGES[proposal["trait"].name])

    @traitlets.validate("parameters")
    def _its_own(self, proposal):
        return _parameters(self.schedule, proposal["value"])

    @traitlets.validate("pinned")
    def _few(self, proposal):
        if len(proposal["value"]) > PINS:
            raise traitlets.TraitError(f"pinned may hold at most {PINS} settings; got {len(proposal['value'])}")
        return [_setting(each) for each in proposal["value"]]

    @traitlets.observe("schedule")
    def _forget_parameters(self, change):
        """Those of the schedule before mean nothing to the next one."""
        if set(self.parameters) - set(PARAMETERS[self.schedule]):
            self.parameters = {}


def _parameters(schedule: str, values: dict) -> dict:
    mine = PARAMETERS[schedule]
    if extra := set(values) - set(mine):
        allowed = f"its parameters are: {', '.join(mine)}" if mine else "it has no parameters"
        raise traitlets.TraitError(f'schedule "{schedule}" has no {", ".join(sorted(map(str, extra)))}; {allowed}')
    for name, value in values.items():
        _, low, high, _ = mine[name]
        between(name, value, low, high, f"a parameter of {schedule}")
    return values


def _setting(given: dict) -> dict:
    """A pinned setting: `schedule` and, where they differ from the defaults, lr, steps, warm_up and parameters."""
    usual = {"schedule": "cosine", "lr": 0.1, "steps": 1000, "warm_up": 0.0, "parameters": {}}
    if not isinstance(given, dict) or not {"schedule"} <= set(given) <= set(usual):
        raise traitlets.TraitError(f"each of pinned has a schedule, and may have {', '.join(usual)}; got {given!r}")
    named(PARAMETERS, given["schedule"], "schedule")
    _parameters(given["schedule"], given.get("parameters", {}))
    for name in RANGES.keys() & given.keys():
        between(name, given[name], *RANGES[name])
    return usual | given


def _columns(rates, accuracies) -> dict:
    if rates is None or accuracies is None:
        raise traitlets.TraitError(
            f"rates and accuracies come together; got only {'accuracies' if rates is None else 'rates'}"
        )
    columns = {"rates": [float(rate) for rate in rates], "accuracies": [float(each) for each in accuracies]}
    if len(columns["rates"]) != len(columns["accuracies"]):
        raise traitlets.TraitError(
            f"give one accuracy for each rate; got {len(columns['accuracies'])} for {len(rates)}"
        )
    if not all(math.isfinite(value) for column in columns.values() for value in column):
        raise traitlets.TraitError("rates and accuracies must be finite; leave out what diverged, as range_test does")
    return columns
