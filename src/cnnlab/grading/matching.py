"""Finds the answers in a notebook that came back: by grade id, by cell id, by what they define, by likeness."""

import re
from collections.abc import Callable

from cnnlab.grading.borrowing import changed, completed, from_other_cells
from cnnlab.grading.definitions import bound, plain
from cnnlab.grading.reading import RawCell
from cnnlab.grading.slots import SURE, Finding, Slot, Submission, same

WINDOW = 4000  # characters of a cell that are compared
LIKE = 0.6  # of all pairs of neighboring words must be shared before a cell is taken for another


def match(wanted: list[Slot], handed_in: list[RawCell]) -> Submission:
    """Put the cells of a submission in their places."""
    places, findings = _places(wanted, handed_in)
    extra = [cell for i, cell in enumerate(handed_in) if cell.code and i not in places.values()]
    answers, texts, unedited = {}, {}, set()
    for slot in wanted:
        cell = handed_in[places[slot.name]] if slot.name in places else None
        if cell is None:
            findings += [_missing(slot)] if slot.theirs else [_restored(slot)] if slot.code else []
        elif slot.theirs:
            (answers if slot.code else texts)[slot.name] = cell.source
            unedited |= {slot.name} if same(cell.source, slot.stub) else set()
        elif slot.code and not same(cell.source, slot.stub):
            findings.append(Finding("", "changed", SURE, f"{slot.kind} cell {slot.name} was changed: ours is used"))
    own = [handed_in[i].source for i in changed(wanted, places, handed_in).values()]
    moved = from_other_cells(wanted, answers, unedited, places, handed_in)
    answers |= {name: source for name, (source, _) in moved.items()}
    findings += [finding for _, finding in moved.values()]
    answers, more = completed(wanted, answers, [*own, *(cell.source for cell in extra)])
    return Submission(answers, texts, (*findings, *more), frozenset(unedited - moved.keys()))


def _places(wanted: list[Slot], cells: list[RawCell]) -> tuple[dict[str, int], list[Finding]]:
    """Slot to cell; each way of finding is tried for all before the next, so that nothing sure is taken by a guess."""
    places: dict[str, int] = {}
    findings: list[Finding] = []
    for how, confidence, fitting in WAYS:
        for slot in wanted:
            taken = set(places.values())
            named = how in ("grade id", "cell id") and slot.theirs  # these also where code has become text by a slip
            free = [i for i, cell in enumerate(cells) if i not in taken and (named or cell.code == slot.code)]
            found = [] if slot.name in places else fitting(slot, free, cells, places, wanted)
            if found:
                places[slot.name] = best = _best(slot, found, cells)
                findings += _told(slot, how, confidence, len(found), cells[best])
    for slot in wanted:
        if slot.kind == "answer" and slot.names and slot.name in places:
            tests = [
                places[each.name]
                for each in wanted[wanted.index(slot) :]
                if each.kind == "test" and each.name in places
            ]
            findings += _moved(slot, places, cells, until=min(tests, default=len(cells)))
    return places, findings


def _best(slot: Slot, found: list[int], cells: list[RawCell]) -> int:
    """Of several cells: one that defines what is asked, then one that was worked on, then the last."""

    def rank(i: int) -> tuple:
        source = cells[i].source
        return set(slot.names) <= bound(plain(source)), not same(source, slot.stub), i

    return max(found, key=rank) if slot.theirs else found[0]


def _told(slot: Slot, how: str, confidence: float, count: int, cell: RawCell) -> list[Finding]:
    says: list[Finding] = []
    if not slot.theirs:
        return says
    if how != "grade id":
        says.append(Finding(slot.name, how, confidence, f"{slot.name} had lost its mark and was found by its {how}"))
    if count > 1:
        text = f"{count} cells claim to be {slot.name}: the last that answers it is used"
        says.append(Finding(slot.name, "doubled", 0.9, text))
    if slot.code and not cell.code:
        says.append(Finding(slot.name, "type", 0.9, f"{slot.name} stands in a cell of text: it is taken for code"))
    if slot.code and plain(cell.source) != cell.source:
        says.append(Finding(slot.name, "magic", SURE, f"{slot.name}: lines for IPython (% or !) are left out"))
    return says


def _moved(slot: Slot, places: dict[str, int], cells: list[RawCell], until: int) -> list[Finding]:
    """An answer that was left as released, or defines nothing, may stand in a new cell instead: the last before its test."""
    cell = cells[places[slot.name]]
    if set(slot.names) <= bound(plain(cell.source)) and not same(cell.source, slot.stub):
        return []
    open_ = [i for i, c in enumerate(cells) if i not in places.values() and c.code and _defines(slot, c)]
    if not open_:
        return []
    places[slot.name] = ([i for i in open_ if i < until] or open_)[-1]
    several = f", one of {len(open_)}" if len(open_) > 1 else ""
    says = f"{slot.name} was answered in another cell than its own{several}"
    return [Finding(slot.name, "elsewhere", 0.7 if several else 0.8, says)]


def _defines(slot: Slot, cell: RawCell) -> bool:
    """The anchor: a comment `# answer: NAME`, or the definition of all that the answer defines."""
    if slot.kind != "answer":
        return same(cell.source, slot.stub)
    if re.search(rf"^# answer: {re.escape(slot.name)}\s*$", cell.source, flags=re.MULTILINE):
        return True
    return bool(slot.names) and set(slot.names) <= bound(plain(cell.source))


def _alike(slot: Slot, cell: RawCell) -> bool:
    one, other = _pairs(slot.stub), _pairs(cell.source)
    return len(one & other) >= LIKE * max(1, min(len(one), len(other))) and len(one) < 3 * len(other)


def _pairs(text: str) -> set[tuple[str, str]]:
    words = re.findall(r"\w+", text[:WINDOW])
    return set(zip(words, words[1:], strict=False))


def _between(
    slot: Slot, free: list[int], cells: list[RawCell], places: dict[str, int], wanted: list[Slot]
) -> list[int]:
    """The one free cell between the places of the neighbors that were found."""
    here = wanted.index(slot)
    low = max((places[each.name] for each in wanted[:here] if each.name in places), default=-1)
    high = min((places[each.name] for each in wanted[here:] if each.name in places), default=len(cells))
    inside = [i for i in free if low < i < high and cells[i].source.strip()]
    return inside if slot.theirs and len(inside) == 1 else []


def _by(fits: Callable[[Slot, RawCell], bool]) -> Callable:
    return lambda slot, free, cells, places, wanted: [i for i in free if fits(slot, cells[i])]


WAYS: tuple[tuple[str, float, Callable], ...] = (
    ("grade id", 1.0, _by(lambda slot, cell: cell.grade_id == slot.name)),
    ("cell id", 0.95, _by(lambda slot, cell: slot.cell_id in cell.ids)),
    ("anchor", 0.9, _by(_defines)),
    ("likeness", 0.7, _by(_alike)),
    ("place", 0.6, _between),
)


def _missing(slot: Slot) -> Finding:
    return Finding(slot.name, "missing", 0.0, f"no cell was found for the answer {slot.name}")


def _restored(slot: Slot) -> Finding:
    return Finding("", "restored", SURE, f"{slot.kind} cell {slot.name} is gone: ours is used")
