"""The table of a record: a row a level, with its spread, its difference to a reference, and what was published."""

import math
from dataclasses import dataclass

from cnnlab import record as records
from cnnlab.choices import choose
from cnnlab.experiment import Experiment, Level
from cnnlab.record import Interval, Record, spread


@dataclass(frozen=True)
class Row:
    """A level over its seeds; `difference` is that to the reference, where there is one."""

    level: Level
    n: int
    mean: float
    deviation: float
    diverged: int
    difference: Interval | None
    published: list[dict]

    def plain(self, measure: str) -> dict:
        """The row for JSON: what is not a number is None."""
        compared = self.difference or Interval(math.nan, math.nan, 0)
        numbers = {"mean": self.mean, "sd": self.deviation, "difference": compared.mean, "half_width": compared.half}
        cells = [{key: cell.get(key) for key in (measure, "note", "source")} for cell in self.published]
        finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        return {"level": self.level, "n": self.n, "diverged": self.diverged, **finite, "published": cells}

    def flat(self, measure: str) -> dict:
        """The row for CSV: a column a number, published values and sources joined by semicolons."""
        plain = self.plain(measure)
        cells = plain.pop("published")
        values = (cell["note"] if cell[measure] is None else str(cell[measure]) for cell in cells)
        sources = dict.fromkeys(cell["source"] for cell in cells)
        return plain.pop("level") | plain | {"published": "; ".join(values), "source": "; ".join(sources)}


def rows(found: Record, measure: str, asked: Experiment | None = None) -> list[Row]:
    """A row for each level that was run; differences and published values need the experiment that was asked."""
    choose({name: name for run in found.runs for name in run.measures}, measure, "measure")
    home, cells = reference(found, asked), _published(asked, measure)
    return [
        Row(
            level,
            len(found.at(**level)),
            *spread(found.values(measure, **level)),
            sum(run.diverged for run in found.at(**level)),
            _difference(found, measure, level, home),
            [cell for cell in cells if level.items() <= cell.items()],
        )
        for level in {tuple(run.level.items()): run.level for run in found.runs}.values()
    ]


def standing(found: Record, asked: Experiment | None) -> str:
    """As `Record.standing`; where the experiment is not at hand, only whether it is a smoke run."""
    return found.standing(asked) if asked else "smoke" if found.smoke else "measured"


def reference(found: Record, asked: Experiment | None) -> Level | None:
    """What the levels are compared with; nothing in a smoke run, or where the question was another one."""
    return None if asked is None or found.smoke or found.is_stale(asked) else found.baseline_level(asked)


def _published(asked: Experiment | None, measure: str) -> list[dict]:
    """The tables of the sources hold test accuracies."""
    return records.published(asked.published) if asked and asked.published and measure == "test_accuracy" else []


def _difference(found: Record, measure: str, level: Level, home: Level | None) -> Interval | None:
    if home is None or level == home or min(len(found.at(**level)), len(found.at(**home))) < 2:
        return None
    return found.difference(measure, level, home)
