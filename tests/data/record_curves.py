"""Record training curves of known cause, for the test that judges `cnnlab.diagnosis`.

    python tests/data/record_curves.py judged curves.json     # the forty held-out runs
    python tests/data/record_curves.py tuned /tmp/tuned.json  # the runs its thresholds were chosen on

A cause is planted by a setting (a learning rate, a batch, a width, a number of images, an initialization), never read
off the curve. A sick run is kept only where its treatment, the same run without the planted setting, ends with less
than 0.6 of its loss on the valid images; a healthy one only where it ends above 88 % there (chance is 10 %). Settings
are drawn by the seed; tuned and judged runs share neither seeds nor widths nor batch sizes. The judged file was
recorded after the last change to the rules. Whoever changes a rule records it anew from other seeds, since a set that
was looked at is a set that was tuned on.
"""

import json
import math
import random
import sys
from itertools import count
from pathlib import Path

import torch

from cnnlab import Model, Training, build, fit, initialize, load
from cnnlab.techniques.initialization import layers

GRIDS = {
    "tuned": {"first": 0, "widths": (8, 16, 32), "batches": (32, 64)},
    "judged": {"first": 60_000, "widths": (12, 20, 24), "batches": (24, 40, 56)},
}
SETS = {"digits": {}, "shapes": {"images": 3000, "size": 16, "difficulty": 0.1}}
COUNTS = {
    "healthy": 10,
    "learning rate too low": 5,
    "learning rate too high": 5,
    "overfitting": 4,
    "diverged": 4,
    "batch too small": 4,
    "too little capacity": 4,
    "not learning": 4,
}


def between(draw: random.Random, low: float, high: float) -> float:
    """A number drawn evenly on a logarithmic scale."""
    return math.exp(draw.uniform(math.log(low), math.log(high)))


def healthy(draw: random.Random, grid: dict) -> dict:
    """Settings that work, by data set."""
    data = draw.choice(["digits", "digits", "shapes"])
    return {
        "data": data,
        "images": None,
        "depth": draw.choice([3, 4]),
        "width": draw.choice(grid["widths"]) if data == "digits" else max(16, draw.choice(grid["widths"])),
        "initialization": "he",
        "bias": 0.0,
        "activation": draw.choice(["relu", "relu", "leaky_relu", "elu"]),
        "epochs": draw.randint(10, 20) if data == "digits" else 14,
        "steps": None,
        "batch_size": draw.choice(grid["batches"]),
        "lr": between(draw, 0.02, 0.06),
        "schedule": draw.choice(["constant", "linear", "cosine"]),
    }


def plant(cause: str, draw: random.Random, well: dict) -> dict:
    """The fields of `well` that make the run sick."""
    deep = {"depth": draw.randint(8, 12), "activation": "relu"}
    rate, data = well["lr"], well["data"]
    return {
        "healthy": {},
        "learning rate too low": {"lr": rate / between(draw, 40, 400)},
        "learning rate too high": {"lr": rate * between(draw, 3, 30), "activation": "relu"},
        "diverged": {"lr": rate * between(draw, 20, 200), "activation": draw.choice(["elu", "leaky_relu"])},
        "batch too small": {"batch_size": draw.choice([1, 2, 3, 4]), "steps": draw.randint(400, 900)},
        "overfitting": {
            "images": draw.choice([60, 80, 120]) if data == "digits" else draw.choice([240, 320, 480]),
            "steps": draw.randint(250, 500),
        },
        "too little capacity": {
            "width": 1,
            "depth": 3,
            "steps": draw.randint(800, 1200) if data == "digits" else draw.randint(1600, 2200),
        },
        "not learning": draw.choice(
            [{"initialization": "zeros"}, {"initialization": "normal", **deep}, {"bias": -4.0, "activation": "relu"}]
        ),
    }[cause]


def train(settings: dict, seed: int) -> dict[str, list]:
    """The columns of one run, accuracies in %, as a record stores them, and the loss of every step."""
    whole = load(settings["data"], **SETS[settings["data"]], progress=False)
    data = whole.subset(settings["images"]) if settings["images"] else whole
    shape = Model(depth=settings["depth"], width=settings["width"], activation=settings["activation"])
    model = build(shape, in_channels=data.train.images.shape[1], classes=len(data.classes))
    initialize(model, settings["initialization"], generator=torch.Generator().manual_seed(seed))
    for _, layer in list(layers(model))[:-1]:
        torch.nn.init.constant_(layer.bias, settings["bias"])
    names = ("epochs", "steps", "batch_size", "lr", "schedule")
    training = Training(**{name: settings[name] for name in names})
    epochs = list(fit(model, data, training, seed=seed, device="cpu"))
    return {
        "losses": [loss for epoch in epochs for loss in epoch.losses],
        **{name: [getattr(epoch, name) for epoch in epochs] for name in ("step", "train_loss", "valid_loss")},
        **{name: [100 * getattr(epoch, name) for epoch in epochs] for name in ("train_accuracy", "valid_accuracy")},
    }


def run(cause: str, seed: int, grid: dict) -> dict | None:
    """One run of a cause, or None where the planted setting turned out to do no harm."""
    draw = random.Random(f"{cause} {seed}")
    well = healthy(draw, grid)
    if cause == "batch too small":  # at a rate that a batch of one can bear, the treated run too
        well |= {"data": "digits", "lr": well["lr"] / 4}
    planted = plant(cause, draw, well)
    settings = {**well, **planted}
    columns, treated = train(settings, seed), None
    if cause == "healthy":
        present = columns["valid_accuracy"][-1] > 88
    else:
        treated = train({**well, "steps": settings["steps"]}, seed)["valid_loss"][-1]
        loss = columns["valid_loss"][-1]
        ended = loss if math.isfinite(loss) else math.inf
        present = treated < 0.6 * ended and (cause == "diverged") == (ended > 2 * math.log(10))
    return {"cause": cause, "seed": seed, **settings, "treated_loss": treated, "columns": columns} if present else None


def digits(value, places: int = 4):
    """Numbers with four digits; what is not finite becomes null, as in a record."""
    if isinstance(value, float):
        return float(f"{value:.{places}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: digits(v, places) for key, v in value.items()}
    return [digits(v, places) for v in value] if isinstance(value, list) else value


def main(which: str, path: str, times: int = 1) -> None:
    torch.set_num_threads(1)
    grid, kept = GRIDS[which], []
    for cause, wanted in COUNTS.items():
        found = (each for seed in count(grid["first"]) if (each := run(cause, seed, grid)))
        kept += [next(found) for _ in range(wanted * times)]
        print(cause, len(kept), file=sys.stderr)
    lines = ",\n".join(json.dumps(digits(each)) for each in kept)
    Path(path).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
