"""The control panel: ipywidgets' own controls over training in the kernel, for front ends that load no other script."""

import threading
from html import escape

import ipywidgets

from cnnlab.choices import choose
from cnnlab.widgets.controls import LABELS, allowed, control_of, named, tip
from cnnlab.widgets.curves import BEFORE, CLASSES, GUESSING, NOW, Run, charts, swatch
from cnnlab.widgets.lab import Lab

USUAL = ("activation", "initialization", "lr", "momentum")
SMALL = "font-size:13px;line-height:1.45;margin:4px 0"


class Panel(ipywidgets.VBox):
    """One small CNN of the training lab, trained by what `cnnlab.live.attach` puts behind it; `cnnlab.live.panel` does.

    `fields` names the settings that get a control, `settings` sets any of them; names, choices and ranges are those of
    `Lab`. A control that moves ends the run before and starts another, and the last finished run stays as a gray line. To
    `attach` it is a page as well: it asks what a page's script would ask, and draws what that would be sent. No part of it
    is an anywidget, so it needs neither a custom widget manager nor a script of ours. Raises a `ValueError` that says what
    was given and what is allowed. Rows T03, T05, T06.
    """

    def __init__(self, *fields: str, **settings):
        for name in (*fields, *settings):
            choose(LABELS, name, "setting of a panel")
        self.settings = {name: getattr(Lab, name).default_value for name in LABELS}
        self.settings |= {name: allowed(name, value) for name, value in settings.items()}
        self.controls = {name: control_of(name, self.settings[name]) for name in fields or USUAL}
        self.button = ipywidgets.Button(button_style="primary")
        self.picture, self.words = ipywidgets.HTML(), ipywidgets.HTML()
        self._now, self._before, self._device = Run(0, dict(self.settings), ended="stopped"), None, ""
        self._hear, self._lock = self._nobody, threading.Lock()
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self._moved(name, change["new"]), "value")
        self.button.on_click(lambda _button: self._start() if self._now.ended else self._stop())
        columns = ipywidgets.Layout(
            grid_template_columns="repeat(auto-fit, minmax(min(270px, 100%), 1fr))", width="auto"
        )
        self._draw()
        super().__init__(
            [ipywidgets.GridBox([*self.controls.values()], layout=columns), self.button, self.picture, self.words]
        )

    def on_msg(self, hear) -> None:
        """Let `hear(panel, message, buffers)` answer, by `send`, what the panel asks; the first is who it is."""
        self._hear = lambda message: hear(self, message, [])
        self._hear({"hello": 0})

    def send(self, answer: dict) -> None:
        """Draw an answer; from any thread. What belongs to an older run, or to one that has ended, is dropped."""
        with self._lock:
            if "here" in answer:
                self._device = answer["device"]
            elif answer["run"] != self._now.number or self._now.ended:
                return
            else:
                self._now.take(answer)
            self._draw()

    def _nobody(self, message: dict) -> None:
        if "members" in message:
            self.send(
                {"run": message["run"], "error": "no kernel is behind this panel; make it by cnnlab.live.panel()"}
            )

    def _moved(self, name: str, value) -> None:
        value = float(f"{value:.2g}") if name == "lr" else value  # 10 to a power is not quite 0.05
        try:
            self.settings[name] = allowed(name, value)
        except ValueError as error:
            self._start(str(error))
        else:
            self._start()

    def _start(self, error: str = "") -> None:
        """Ask for a run of the present settings; with an `error`, say it and end the run before."""
        with self._lock:
            if self._now.ended == "done":
                self._before = self._now
            self._now = Run(self._now.number + 1, dict(self.settings))
            if error:
                self._now.take({"error": error})
            self._draw()
        # Not under the lock: the thread behind holds its own while it sends.
        self._hear({"run": self._now.number} | ({} if error else {"members": [self._now.settings]}))

    def _stop(self) -> None:
        with self._lock:
            self._now.ended = "stopped"
            self._draw()
        self._hear({"run": self._now.number})

    def _draw(self) -> None:
        self.picture.value = charts(self._now, self._before)
        self.words.value = self._legend() + _paragraph(self._verdict(), role="status") + self._conditions()
        self.button.description = "Train" if self._now.ended else "Stop"
        tip(self.button, "Train with these settings" if self._now.ended else "Stop this run")

    def _legend(self) -> str:
        if not self._before:
            return ""
        now, before = self._now.settings, self._before.settings
        names = [name for name in LABELS if now[name] != before[name]]
        told = [", ".join(named(name, run[name]) for name in names) or "the same settings" for run in (now, before)]
        return _paragraph(f"{swatch(NOW)} {escape(told[0])} &emsp; {swatch(BEFORE)} before: {escape(told[1])}")

    def _verdict(self) -> str:
        run, before = self._now, f" Before: {self._before.words()}." if self._before else ""
        if run.error:
            return f'<b style="color:#d03b3b">Not trained:</b> {escape(run.error)}'
        if run.diverged_at:
            advice = "The loss left all bounds; take a smaller learning rate."
            return f"<b>Diverged at step {run.diverged_at}.</b> {advice}{before}"
        if not run.losses:
            guess = f"ln {CLASSES} = {GUESSING:.2f}"
            return f"Press Train, or move a control. Guessing gives a loss of {guess}." if run.ended else "Training …"
        place = f"step {len(run.losses)} of {run.settings['steps']}"
        state = {"": f"Training, {place}", "stopped": f"Stopped at {place}", "done": f"After {len(run.losses)} steps"}
        asleep = run.ended == "done" and run.looks and run.looks[-1][1] < 1.5 / CLASSES
        return f"{state[run.ended]}: {run.words()}{', no more than guessing gives' if asleep else ''}.{before}"

    def _conditions(self) -> str:
        where = "the CPU" if self._device == "cpu" else f"the GPU ({self._device})"
        who = f"Trained by this kernel, in PyTorch on {where}. " if self._device else ""
        held = ", ".join(named(name, self.settings[name]) for name in LABELS if name not in self.controls)
        return _paragraph(f"{who}{f'Held: {held}.' if held else ''}", opacity=0.75)


def _paragraph(words: str, *, role: str = "", opacity: float = 1) -> str:
    return f'<p style="{SMALL};opacity:{opacity}"{f" role={role}" if role else ""}>{words}</p>'
