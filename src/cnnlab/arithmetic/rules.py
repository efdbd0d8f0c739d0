"""What each operation does to places and their receptive fields. An operation without a rule is refused by name."""

import math
from dataclasses import replace

from cnnlab.arithmetic.places import Places, begin, free, join, refuse
from cnnlab.graph import Node


def follow(node: Node, places: list[Places]) -> Places:
    """The places of a node's output from those of its inputs; an operation without a rule raises a `ValueError`."""
    if node.op == "input":
        return begin(node.shape)
    if node.pointwise:
        return join(node, places, node.shape)
    if node.op in JOINS:
        return JOINS[node.op](node, places)
    op = node.op.partition("[")[0]
    if len(places) > 1 or op not in RULES or (op != node.op and op not in SEVERAL):
        refuse(node, "no rule says what it sees")
    return RULES[op](node, places[0])


def slide(node: Node, place: Places, d: int, kernel: int, stride: int = 1, first: int = 0) -> Places:
    """A window along dimension `d`, as long as `kernel` places, whose first one begins at place `first`."""
    axes = place.axes([d])
    if not axes:
        return place.put(d, free(node.shape[d]))
    if len(place.dims[d]) > 1:
        refuse(node, "it takes neighbors in a dimension that was flattened from several")
    ((axis, _),) = axes
    return place.put(d, ((axis, node.shape[d]),)).see(axis, place.fields[axis].through(kernel, stride, first))


def window(node: Node, place: Places) -> Places:
    """A convolution or a pool along the axes of the map: kernel, stride, padding and dilation."""
    n, settings = len(node.kernel), node.settings
    for d, kernel, stride in zip(range(-n, 0), node.kernel, node.stride, strict=True):
        reach = (kernel - 1) * settings.get("dilation", (1,) * n)[d]
        before = settings["padding"][d]
        if settings.get("transposed"):
            before = reach - before
            if stride > 1:
                refuse(node, "with a stride its places see different numbers of pixels")
        place = slide(node, place, d, reach + 1, stride, -before)
    return place


def conv(node: Node, place: Places) -> Places:
    """A window over the map that also sums over the channels."""
    channels = -len(node.kernel) - 1
    return window(node, place).mixed([channels]).put(channels, free(node.shape[channels]))


def adaptive(node: Node, place: Places) -> Places:
    """Windows that cut the map into equal parts; one part is a window of the map's size, and keeps the jump."""
    for d, before in list(enumerate(node.operands[0]))[2:]:
        size, rest = divmod(before, node.shape[d])
        if rest:
            refuse(node, f"{before} places do not divide into {node.shape[d]} equal windows")
        place = slide(node, place, d, size, size if node.shape[d] > 1 else 1)
    return place


def linear(node: Node, place: Places) -> Places:
    """A sum over the last dimension; over a flattened map it is a convolution of the map's size."""
    return place.mixed([-1]).put(-1, free(node.shape[-1]))


def named(node: Node, place: Places) -> list[int]:
    """The dimensions that a node names in its settings, the last one first; all where it names none."""
    dims = node.settings.get("dim")
    dims = (dims,) if isinstance(dims, int) else dims or range(len(place.dims))
    return sorted((d % len(place.dims) for d in dims), reverse=True)


def reduce(node: Node, place: Places) -> Places:
    """A mean, sum or maximum over the named dimensions, which go or stay with size 1."""
    after = place.mixed(named(node, place))
    for d in named(node, place):
        kept = [tuple((axis, 1) for axis, _ in place.axes([d]))]
        after = after.put(d, *(kept if node.settings.get("keepdim") else []))
    return after


def softmax(node: Node, place: Places) -> Places:
    """Every place of the named dimension is divided by a sum over all of them."""
    return place.spread(named(node, place))


def layer_norm(node: Node, place: Places) -> Places:
    """Statistics over the last dimensions; over channels alone they move no place."""
    return place.spread(range(-len(node.settings["normalized_shape"]), 0))


def map_norm(node: Node, place: Places) -> Places:
    """Group norm, instance norm and a batch norm that trains take statistics over the whole map."""
    return place.spread(range(len(place.dims))) if node.settings.get("training", True) else place


def view(node: Node, place: Places) -> Places:
    """Deal the factors out again in their order; only one that runs along no axis may be cut."""
    left = [list(factor) for dim in place.dims for factor in dim]
    for a, b in zip(left[-2::-1], left[:0:-1], strict=True):
        if a[0] is None and b[0] is None:
            a[1], b[1] = a[1] * b[1], 1
    left = [factor for factor in left if factor != [None, 1]]
    dims = [_deal(node, left, size) for size in node.shape]
    return replace(place, dims=(*dims[:-1], (*dims[-1], *map(tuple, left))))


def _deal(node: Node, left: list[list], size: int) -> tuple:
    taken = []
    while size > 1 or (not taken and left and left[0][1] == 1):
        axis, n = left[0]
        part = math.gcd(n, size)
        if part < n and (axis is not None or part < size):
            refuse(node, "it cuts an axis of the map into pieces")
        taken.append((axis, part))
        size //= part
        left[0][1] //= part
        if part == n:
            left.pop(0)
    return tuple(taken)


def permute(node: Node, place: Places) -> Places:
    """Dimensions in another order."""
    order = list(node.settings.get("dims", range(len(place.dims))))
    if "dims" not in node.settings:
        a, b = node.settings.get("dim0", 0), node.settings.get("dim1", -1)
        order[a], order[b] = order[b], order[a]
    return replace(place, dims=tuple(place.dims[d] for d in order))


def cut(node: Node, place: Places) -> Places:
    """Every `step`-th place of a dimension, from `start` on."""
    (d,), settings = named(node, place), node.settings
    first = slice(settings["start"], None, settings["step"]).indices(node.operands[0][d])[0]
    return slide(node, place, d, 1, settings["step"], first)


def select(node: Node, place: Places) -> Places:
    """One place of a dimension, which goes."""
    (d,) = named(node, place)
    for axis, n in place.axes([d]):
        place = place.see(axis, place.fields[axis].through(1, 1, node.settings["index"] % n))
    return place.put(d)


def split(node: Node, place: Places) -> Places:
    """Parts of a dimension, or half of it gating the other; along an axis of the map it is refused."""
    (d,) = named(node, place)
    if place.axes([d]):
        refuse(node, "it cuts an axis of the map into pieces")
    return place.put(d, *([] if node.op.startswith("unbind") else [free(node.shape[d])]))


def pad(node: Node, place: Places) -> Places:
    """New places at the borders; what those see, constants or a reflection, is taken to go on as inside."""
    for i, before in enumerate(node.settings.get("pad", node.settings.get("padding"))[::2]):
        place = slide(node, place, -1 - i, 1, 1, -before)
    return place


def concatenate(node: Node, places: list[Places]) -> Places:
    """Branches side by side, along a dimension that runs along no axis."""
    (d,) = named(node, places[0])
    if any(each.axes([d]) for each in places):
        refuse(node, "it lays maps end to end")
    one = join(node, [each.put(d, ()) for each in places], (*node.shape[:d], 1, *node.shape[d + 1 :]))
    return one.put(d, free(node.shape[d]))


def stack(node: Node, places: list[Places]) -> Places:
    """Branches along a new dimension."""
    d = node.settings["dim"] % len(node.shape)
    one = join(node, places, (*node.shape[:d], *node.shape[d + 1 :]))
    return replace(one, dims=(*one.dims[:d], free(node.shape[d]), *one.dims[d:]))


def expand(node: Node, places: list[Places]) -> Places:
    """A tensor repeated along dimensions of size 1."""
    return join(node, places, node.shape)


def restride(node: Node, place: Places) -> Places:
    """What `AdaptiveAvgPool2d(1)` does to a channels-last map after its mean; any other use could move places."""
    if node.shape != node.operands[0] or any(n > 1 for _, n in place.axes(range(len(place.dims)))):
        refuse(node, "no rule says what it sees")
    return place


def keep(_node: Node, place: Places) -> Places:
    """What leaves every value, or every channel's map, as it was."""
    return place


JOINS = {"cat": concatenate, "stack": stack, "expand": expand}
SEVERAL = {"split", "split_with_sizes", "unbind"}  # all of whose outputs are parts of the input
RULES = (
    dict.fromkeys(["detach", "alias", "to_copy", "channel_shuffle"], keep)
    | dict.fromkeys(["max_pool", "avg_pool"], window)
    | dict.fromkeys(["adaptive_avg_pool", "adaptive_max_pool"], adaptive)
    | dict.fromkeys(["mean", "sum", "prod", "amax", "amin", "max", "min", "logsumexp", "var", "std"], reduce)
    | dict.fromkeys(["linalg_vector_norm"], reduce)
    | dict.fromkeys(["softmax", "log_softmax"], softmax)
    | dict.fromkeys(["batch_norm", "group_norm"], map_norm)
    | dict.fromkeys(["view", "reshape", "squeeze", "unsqueeze"], view)
    | dict.fromkeys(["permute", "transpose", "t"], permute)
    | dict.fromkeys(["constant_pad_nd", "reflection_pad", "replication_pad"], pad)
    | dict.fromkeys([*SEVERAL, "glu"], split)
    | {"conv": conv, "linear": linear, "layer_norm": layer_norm, "slice": cut, "select": select}
    | {"as_strided": restride}
)
