"""The panel's picture: a run's training loss and held-out accuracy as SVG text, which any front end shows as it is."""

import math
from dataclasses import dataclass, field
from html import escape
from itertools import accumulate

CLASSES = 10  # of digits and of shapes
GUESSING = math.log(CLASSES)
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 220, 34, 16, 28, 34
NOW = 'stroke="#1f83c4" stroke-width="2.2"'  # a blue that stands out on white and on black
BEFORE = 'stroke="#8a8a8a" stroke-width="1.8" stroke-dasharray="5 3"'


@dataclass
class Run:
    """What was told of a run so far: a loss for each step, a share of held-out images right at each look.

    `ended` is empty while it goes on, then `done`, `stopped` or `error`.
    """

    number: int
    settings: dict
    losses: list[float] = field(default_factory=list)
    looks: list[tuple[int, float]] = field(default_factory=list)
    diverged_at: int | None = None
    ended: str = ""
    error: str = ""

    def take(self, answer: dict) -> None:
        """Read an answer of `cnnlab.live.train`, or of `attach` around it."""
        for point in answer.get("points", ()):
            if "loss" in point:
                self.losses.append(math.nan if point["loss"] is None else point["loss"])
            if "heldOut" in point:
                self.looks.append((point["step"], point["heldOut"]["accuracy"]))
            self.diverged_at = point.get("divergedAt", self.diverged_at)
        self.error = answer.get("error", "")
        self.ended = "error" if self.error else "done" if "done" in answer else ""

    @property
    def loss(self) -> float:
        """The mean over the last ten steps."""
        return smooth(self.losses)[-1] if self.losses else math.nan

    def words(self) -> str:
        """How far it came: `loss 0.41, 92 % of the held-out images right`."""
        if self.diverged_at:
            return f"diverged at step {self.diverged_at}"
        right = f", {self.looks[-1][1]:.0%} of the held-out images right".replace("%", " %") if self.looks else ""
        return f"loss {self.loss:.2f}{right}"


def smooth(losses: list[float], window: int = 10) -> list[float]:
    """The running mean over the last `window` losses; from a loss that is no number on, every mean is none either."""
    sums = [0.0, *accumulate(losses)]
    return [(sums[k] - sums[max(0, k - window)]) / min(k, window) for k in range(1, len(sums))]


def charts(now: Run, before: Run | None) -> str:
    """Two charts side by side, below one another where the page is narrow; `before` is gray and dashed."""
    runs = [run for run in (before, now) if run]
    steps = max(run.settings["steps"] for run in runs)
    top = 1.35 * GUESSING  # a loss above it is drawn at the edge: the scale stays, so that two runs can be compared
    losses = [list(enumerate(smooth(run.losses), start=1)) for run in runs]
    looks = [[(step, 100 * share) for step, share in run.looks] for run in runs]
    told = f"this run {now.words()}" if now.losses else "not trained yet"
    told += f"; the run before {before.words()}" if before else ""
    loss = _chart("Training loss, mean of ten steps", told, (steps, top), losses, (0, 1, 2, 3), guess=GUESSING)
    right = _chart("Held-out images right, %", told, (steps, 100), looks, (0, 25, 50, 75, 100), guess=100 / CLASSES)
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px">{loss}{right}</div>'


def swatch(style: str) -> str:
    """A short piece of a line for a legend: of `NOW` or of `BEFORE`."""
    return f'<svg width="26" height="8" aria-hidden="true"><path d="M0 4H26" fill="none" {style}/></svg>'


def _chart(title: str, told: str, most: tuple[float, float], lines: list, ticks: tuple, *, guess: float) -> str:
    def x(step):
        return LEFT + (WIDTH - LEFT - RIGHT) * step / most[0]

    def y(value):
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, most[1]) / most[1])

    parts = [_text(LEFT, 16, title, "start", weight=600), _text((WIDTH + LEFT) / 2, HEIGHT - 4, "step", "middle")]
    for tick in ticks:
        parts.append(f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" stroke="currentColor" opacity="0.18"/>')
        parts.append(_text(LEFT - 6, y(tick) + 4, tick, "end"))
    parts += [_text(x(step), HEIGHT - 18, f"{step:g}", "middle") for step in (0, most[0] / 2, most[0])]
    parts.append(f'<path d="M{LEFT} {y(guess):.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-dasharray="1 4"/>')
    parts.append(_text(WIDTH - RIGHT, y(guess) - 5, "guessing", "end"))
    for style, points in zip((BEFORE, NOW)[-len(lines) :], lines, strict=True):
        drawn = [f"{x(step):.1f} {y(value):.1f}" for step, value in points if math.isfinite(value)]
        parts += [f'<path d="M{"L".join(drawn)}" fill="none" {style}/>'] if drawn else []
    label = escape(f"{title}: {told}", quote=True)
    style = "flex:1 1 260px;min-width:0;max-width:480px"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" style="{style}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _text(x: float, y: float, words: object, anchor: str, *, weight: int = 400) -> str:
    style = f'font-size="12" font-weight="{weight}" fill="currentColor" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(str(words))}</text>'
