"""Paths through a net: take skips or branches away and watch the number of paths and the histogram of their lengths."""

import anywidget
import traitlets

from cnnlab.choices import choose
from cnnlab.widgets.allowed import between, named
from cnnlab.widgets.assemble import esm

KINDS = ("residual", "branched")
RANGES = {
    "blocks": (1, 10, "blocks in a row"),
    "branches": (2, 4, "parallel branches a block, read where kind is branched"),
}
MOST_BLOCKS, MOST_LAYERS = 10, 4


def ways(kind: str, branches: int) -> list[int]:
    """How many layers each way through one block has: a skip 0 and a branch 1, or branches of 1, 2, ... layers."""
    return choose({"residual": [0, 1], "branched": list(range(1, branches + 1))}, kind, "kind")


class Paths(anywidget.AnyWidget):
    r"""Blocks in a row, each with several ways through it; a path takes one way in each, $\prod_i w_i$ in all.

    In a `residual` net a block has a skip and a branch of one layer, so $n$ blocks have $2^n$ paths, whose lengths are
    Binomial$(n, 1/2)$; in a `branched` one a block has `branches` branches of 1, 2, ... layers. The length of a path is
    the number of its layers. `removed` lists the ways that are taken away as pairs (block from 1, layers of the way), a
    skip having 0 layers; pairs that the net does not have are left alone. `numbers` holds what the page counted:
    `paths`, `lengths` as pairs (length, paths), `shortest`, `longest`, `mean`, the last three `None` where no path is
    left. It is empty until a page has drawn the widget.

    A value out of range raises a `TraitError` that says what is allowed. (row P02)
    """

    _esm = esm("paths")

    kind = traitlets.Unicode("residual").tag(sync=True)
    blocks = traitlets.Int(6).tag(sync=True)
    branches = traitlets.Int(3).tag(sync=True)
    removed = traitlets.List().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)

    def wiring(self) -> list[tuple[str, str]]:
        """The net as edges (from, to), for `cnnlab.arithmetic.paths`; a layer's name starts with `branch`."""
        gone = {tuple(pair) for pair in self.removed}
        edges = []
        for i in range(1, self.blocks + 1):
            before = f"join{i - 1}" if i > 1 else "input"
            for layers in ways(self.kind, self.branches):
                chain = [before, *(f"branch{i}.{layers}.{m}" for m in range(1, layers + 1)), f"join{i}"]
                edges += [] if (i, layers) in gone else zip(chain, chain[1:], strict=False)
        return edges

    @traitlets.validate("kind")
    def _known(self, proposal):
        return named(KINDS, proposal["value"], "kind")

    @traitlets.validate(*RANGES)
    def _in_range(self, proposal):
        name = proposal["trait"].name
        return between(name, proposal["value"], *RANGES[name])

    @traitlets.validate("removed")
    def _pairs(self, proposal):
        for pair in proposal["value"]:
            whole = isinstance(pair, list | tuple) and len(pair) == 2 and all(type(each) is int for each in pair)
            if not (whole and 1 <= pair[0] <= MOST_BLOCKS and 0 <= pair[1] <= MOST_LAYERS):
                raise traitlets.TraitError(
                    f"removed holds {pair!r}; give pairs (block, layers of the way), block 1 to {MOST_BLOCKS} and layers "
                    f"0 (the skip) to {MOST_LAYERS}"
                )
        return [list(pair) for pair in proposal["value"]]
