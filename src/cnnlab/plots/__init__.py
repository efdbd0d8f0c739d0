"""Figures: one kind a file, a record or plain columns in, matplotlib axes out. No torch here.

Every figure tells its lines apart by shape as well as color.
"""

from cnnlab.record import Record

# Okabe and Ito's colors, dark enough on white, in the order in which a figure uses them, each with a marker.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#555555", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "*")
INITIALIZATIONS = ("lsuv", "he", "xavier", "orthogonal", "normal", "zeros")


def axes(ax=None, *, size: tuple[float, float] = (6.4, 3.6)):
    """`ax`, or the axes of a new figure in the book's style."""
    return panels(1, size=size) if ax is None else ax


def panels(count: int, *, size: tuple[float, float] = (7.8, 3.4)):
    """`count` axes side by side in a new figure in the book's style; for one, the axes themselves."""
    import matplotlib.pyplot as plt

    # No rc_context: left for the first time, it would switch off the notebook's interactive mode, and with it figures.
    figure, made = plt.subplots(1, count, figsize=size, dpi=110, layout="constrained", facecolor="white", squeeze=False)
    for ax in made[0]:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", color="#e2e2e2")
        ax.set_axisbelow(True)
    return made[0] if count > 1 else made[0][0]


def look(name: str, position: int) -> dict:
    """Color and marker of a line: an initialization looks the same in every figure, others go by their position."""
    i = INITIALIZATIONS.index(name) if name in INITIALIZATIONS else position
    return {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)]}


def label(name: str) -> str:
    """A level's name as a figure shows it."""
    known = {"lsuv": "LSUV", "he": "He", "xavier": "Xavier", "normal": "small normal"}
    known |= {"elu": "ELU", "selu": "SELU", "gelu": "GELU", "silu": "SiLU", "prelu": "PReLU", "rrelu": "RReLU"}
    return known.get(name, name.replace("_", " ").replace("relu", "ReLU"))


def refuse_smoke(record: Record) -> None:
    """Raise a `ValueError` at a record that only shows that the machinery turns."""
    if record.smoke:
        raise ValueError(
            f'the record of "{record.slug}" is a smoke run: it shows that the machinery turns, not a result. '
            f"Measure it with: cnnlab run {record.slug}"
        )
