"""The layers of a network as a table for people."""

from contextlib import suppress
from dataclasses import dataclass

from cnnlab.arithmetic.costs import multiply_adds
from cnnlab.arithmetic.receptive import ReceptiveField, each_field
from cnnlab.graph import Graph

COLUMNS = ("layer", "op", "kernel", "stride", "shape", "sees", "jump", "parameters", "multiply-adds")


@dataclass(frozen=True)
class Table:
    """Rows of text under `COLUMNS`; `print(table)` aligns them."""

    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        lines = [COLUMNS, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
        return "\n".join("  ".join(map(_aligned, line, widths, range(len(widths)))).rstrip() for line in lines)


def layer_table(graph: Graph) -> Table:
    """One row for every operation with a kernel or with parameters, and their sums (rows C05, C06, C07).

    Columns: name, operation, kernel and stride, shape of the output without the batch, receptive field and jump,
    parameters, multiply-adds of the batch. Receptive field and jump are empty in a network without a map, and from an
    operation without a rule for them on.
    """
    fields: dict[str, ReceptiveField] = {}
    with suppress(ValueError):
        fields.update(each_field(graph))
    shown = [node for node in graph.nodes if node.kernel or node.parameters]
    rows = [
        (
            node.name,
            node.op,
            _sizes(node.kernel),
            _sizes(node.stride),
            _sizes(node.shape[1:]),
            *((_sizes(fields[node.name].size), _sizes(fields[node.name].jump)) if node.name in fields else ("", "")),
            f"{node.parameters:,}",
            f"{multiply_adds(node):,}",
        )
        for node in shown
    ]
    sums = (sum(node.parameters for node in graph.nodes), sum(map(multiply_adds, graph.nodes)))
    return Table((*rows, ("total", *[""] * 6, *(f"{each:,}" for each in sums))))


def _sizes(sizes: tuple[float, ...]) -> str:
    """`3x3` as 3, different ones as 3x1; infinite as `all`."""
    texts = ["all" if size == float("inf") else f"{size:g}" for size in sizes]
    return texts[0] if len(set(texts)) == 1 else "x".join(texts)


def _aligned(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column < 2 else text.rjust(width)
