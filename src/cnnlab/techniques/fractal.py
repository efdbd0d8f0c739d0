r"""Fractal blocks and what was built of them.

The rule of expansion, $f_{C+1} = (f_C \circ f_C) \oplus \text{unit}$ from $f_1 = \text{unit}$, gives a block of C
columns: column j, from the shallowest, is a chain of $2^j$ units. Columns that end in the same row join there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from cnnlab.choices import demand
from cnnlab.techniques.freezing import FreezeDropPath
from cnnlab.techniques.joins import Parallel, mean, summed
from cnnlab.techniques.paths import DropPathMean

Make = Callable[[int, int, int], nn.Module]


def conv_unit(in_channels: int, out_channels: int, rows: int = 1) -> nn.Sequential:
    """A 3x3 convolution that keeps the size, batch normalization, ReLU; however many `rows` it stands beside (row H11).

    Source: {cite:t}`larsson2016fractalnet`.
    """
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU())


class FractalBlock(nn.Module):
    r"""A fractal of `columns` columns: $2^C - 1$ units, $2^{C-1}$ in the longest path (rows H11, P04).

    `out_channels` is one width, or that of each of the $2^{C-1}$ rows. `make(in_channels, out_channels, rows)` gives a
    unit; `rows` is how many rows of the deepest column it stands beside. The last join averages all columns at once,
    each after `pool`. `join`, a `DropPathMean(drop_path)`, may be replaced by a module. Local drop-path acts in training;
    `one_column` is global drop-path. `first` and `second` are the two $f_{C-1}$. Source:
    {cite:t}`larsson2016fractalnet`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int | Sequence[int],
        *,
        columns: int = 3,
        make: Make = conv_unit,
        drop_path: float = 0.15,
        pool: nn.Module | None = None,
    ):
        demand(columns >= 1, "columns", columns, "at least 1")
        rows = 2 ** (columns - 1)
        widths = [out_channels] * rows if isinstance(out_channels, int) else list(out_channels)
        demand(len(widths) == rows, "out_channels", out_channels, f"one width, or {rows} for {columns} columns")
        super().__init__()
        self.in_channels, self.out_channels, self.columns = in_channels, out_channels, columns
        self.make, self.drop_path, self.column = make, drop_path, None
        self.unit = make(in_channels, widths[-1], rows)
        if columns > 1:
            half, rest = rows // 2, {"columns": columns - 1, "make": make, "drop_path": drop_path}
            self.first = FractalBlock(in_channels, widths[:half], **rest)
            self.second = FractalBlock(widths[half - 1], widths[half:], **rest)
        self.pool, self.join = pool or nn.Identity(), DropPathMean(drop_path)

    def branches(self, x: Tensor) -> list[Tensor]:
        """What each column gives, the shallowest first; where one column is selected, that one alone."""
        if self.columns == 1 or self.column == 0:
            return [self.unit(x)]
        deeper = self.second.branches(self.first(x))
        return [self.unit(x), *deeper] if self.column is None else deeper

    def forward(self, x: Tensor) -> Tensor:
        return self.join([self.pool(branch) for branch in self.branches(x)])

    def select(self, column: int | None) -> None:
        """From now on run `column` alone, from 0, the shallowest; None is all. Other columns are not computed."""
        demand(column is None or 0 <= column < self.columns, "column", column, f"None or 0 to {self.columns - 1}")
        self.column = column
        if self.columns > 1 and column != 0:
            deeper = None if column is None else column - 1
            self.first.select(deeper)
            self.second.select(deeper)

    def extra_repr(self) -> str:
        sizes = f"in_channels={self.in_channels}, out_channels={self.out_channels}, columns={self.columns}"
        return f"{sizes}, make={getattr(self.make, '__name__', self.make)}, drop_path={self.drop_path}"


@contextmanager
def one_column(model: nn.Module, column: int | None) -> Iterator[nn.Module]:
    """Inside, every fractal block of `model` runs `column` alone, None: all; after it, all columns again (row H11).

    With `column` drawn by `paths.draw_column` for each mini-batch it is drop-path's mixture of local and global; in
    evaluation it is the network of that column. Blocks that are units of a block are left alone. Source:
    {cite:t}`larsson2016fractalnet`.
    """
    try:
        for block in _blocks(model):
            block.select(column)
        yield model
    finally:
        for block in _blocks(model):
            block.select(None)


def _blocks(model: nn.Module) -> Iterator[FractalBlock]:
    """The outermost fractal blocks."""
    if isinstance(model, FractalBlock):
        yield model
    else:
        for child in model.children():
            yield from _blocks(child)


def fractal_of_fractals(
    in_channels: int,
    widths: Sequence[int],
    *,
    columns: int = 3,
    drop_path: float = 0.15,
    pool: Callable[[int], nn.Module] = nn.MaxPool2d,
) -> FractalBlock:
    r"""A fractal whose units are fractal blocks of `columns` columns, each followed by 2x2 pooling (row H12).

    One of `widths` for each row, so 1, 2, 4, ... of them; (64, 128, 256, 512) is the authors'. A unit beside r rows
    pools r times, each column before it joins, so that all paths halve the size equally often. `pool` = nn.AvgPool2d
    gives the average-pooling variant. Source: {cite:t}`smith2016design`.
    """

    def block(in_channels: int, out_channels: int, rows: int) -> FractalBlock:
        pools = nn.Sequential(*(pool(2) for _ in range(rows)))
        return FractalBlock(in_channels, out_channels, columns=columns, drop_path=drop_path, pool=pools)

    return FractalBlock(in_channels, widths, columns=len(widths).bit_length(), make=block, drop_path=drop_path)


def taylor_terms(branches: Sequence[Tensor]) -> list[Tensor]:
    r"""Branch k to the power k, $b_1, b_2^2, b_3^3, \ldots$, for any join: sum, mean or freeze-drop-path (row H12).

    Source: {cite:t}`smith2016design`.
    """
    return [branch**power for power, branch in enumerate(branches, start=1)]


def taylor_sum(branches: Sequence[Tensor]) -> Tensor:
    r"""The join of a Taylor series net, $y = \sum_k b_k^k$; with all $b_k = x$ it is $x + x^2 + x^3$ (row H12).

    Source: {cite:t}`smith2016design`.
    """
    return summed(taylor_terms(branches))


def taylor_series(branches: Sequence[nn.Module]) -> Parallel:
    """The same input through each of `branches`, shallowest first, joined by `taylor_sum` (row H12).

    Source: {cite:t}`smith2016design`.
    """
    return Parallel(branches, taylor_sum)


class Boosted(nn.Module):
    """The join of a stagewise boosting net: the first branch plus the mean of the others, one of the two trained (row H12).

    `FreezeDropPath` chooses between the two at each step; in evaluation both count. As in the authors' Caffe file. Fewer
    than two branches raise a `ValueError`. Source: {cite:t}`smith2016design`.
    """

    def __init__(self, *, interval: str = "increasing", cycle: int = 0):
        super().__init__()
        self.join = FreezeDropPath(interval=interval, cycle=cycle)

    def forward(self, branches: Sequence[Tensor]) -> Tensor:
        demand(
            len(branches) > 1, "the number of branches", len(branches), "at least 2 to be boosted; select no one column"
        )
        return self.join([branches[0], mean(branches[1:])])


def stagewise_boosting(branches: Sequence[nn.Module], *, interval: str = "increasing", cycle: int = 0) -> Parallel:
    """The same input through each of `branches`, shallowest first, joined by `Boosted` (row H12).

    Source: {cite:t}`smith2016design`.
    """
    return Parallel(branches, Boosted(interval=interval, cycle=cycle))
