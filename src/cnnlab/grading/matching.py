"""Finds the answers in a notebook that came back: by grade id, by cell id, by what they define, by likeness."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cnnlab.grading.assignment import Assignment
from cnnlab.grading.definitions import borrowed, bound, needed, plain
from cnnlab.grading.reading import RawCell

SURE, DOUBTFUL = 1.0, 0.75  # below the second somebody should look
MOST_SAID = 200  # characters of names in a finding
WINDOW = 4000  # characters of a cell that are compared
LIKE = 0.6  # of all pairs of neighboring words must be shared before a cell is taken for another


@dataclass(frozen=True)
class Slot:
    """A cell of the students' version, and what stands in its place in what they hand in.

    `kind` is "answer" or "text" (the student's, in code or prose), "test" or "given" (the instructor's). `names` is what
    an answer defines.
    """

    kind: str
    name: str
    stub: str
    code: bool = True
    cell_id: str = ""
    names: tuple[str, ...] = ()

    @property
    def theirs(self) -> bool:
        return self.kind in ("answer", "text")


@dataclass(frozen=True)
class Finding:
    """Something to know about a submission: which cell, how it was found or what was done, and how sure that is."""

    cell: str
    how: str
    confidence: float
    says: str


@dataclass(frozen=True)
class Submission:
    """What a student handed in: answers by name, with what was found on the way.

    `unedited` are the answers that are still as released; `texts` the answers in prose.
    """

    answers: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unedited: frozenset[str] = frozenset()

    @property
    def doubtful(self) -> set[str]:
        """The answers of which it is not sure that they are the student's: a human should look."""
        return {each.cell for each in self.findings if each.cell and each.confidence < DOUBTFUL}


def slots(release: Path, assignment: Assignment) -> list[Slot]:
    """The cells of the students' version that nbgrader knows."""
    names = {cell.name: cell.binds for cell in assignment.of_kind("answer")}
    cells = json.loads(release.read_text("utf8"))["cells"]
    found = [_slot(cell) for cell in cells if "nbgrader" in cell["metadata"]]
    return [Slot(*parts, names.get(parts[1], ())) for parts in found]


def _slot(cell: dict) -> tuple:
    mark, code = cell["metadata"]["nbgrader"], cell["cell_type"] == "code"
    kind = "test" if mark.get("grade") else "given"
    if mark.get("solution"):
        kind = "answer" if code else "text"
    return kind, mark["grade_id"], "".join(cell["source"]), code, cell.get("id", "")


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
    own = [handed_in[i].source for i in _changed(wanted, places, handed_in).values()]
    moved = _from_other_cells(wanted, answers, unedited, places, handed_in)
    answers |= {name: source for name, (source, _) in moved.items()}
    findings += [finding for _, finding in moved.values()]
    answers, more = _completed(wanted, answers, [*own, *(cell.source for cell in extra)])
    return Submission(answers, texts, (*findings, *more), frozenset(unedited - moved.keys()))


def _changed(wanted: list[Slot], places: dict[str, int], cells: list[RawCell]) -> dict[str, int]:
    """The instructor's cells of code in which a student wrote, too."""
    ours = [slot for slot in wanted if slot.code and not slot.theirs and slot.name in places]
    return {slot.name: places[slot.name] for slot in ours if not same(cells[places[slot.name]].source, slot.stub)}


def _from_other_cells(
    wanted: list[Slot], answers: dict[str, str], unedited: set[str], places: dict[str, int], cells: list[RawCell]
) -> dict[str, tuple[str, Finding]]:
    """Answers that stand in the place of something else: their definitions, and that somebody should look."""
    known = _given(wanted)
    others = _changed(wanted, places, cells)
    others |= {slot.name: places[slot.name] for slot in wanted if slot.name in answers and slot.name not in unedited}
    found = {}
    for slot in wanted:
        names = set(slot.names)
        if (
            slot.name not in answers
            or not names
            or (names <= bound(plain(answers[slot.name])) and slot.name not in unedited)
        ):
            continue
        for other, i in others.items():
            source = plain(cells[i].source)
            if other != slot.name and names <= bound(source):
                says = f"{slot.name} was answered in the cell {other}"
                text = "\n".join(borrowed(names, [source], known))
                found[slot.name] = text, Finding(slot.name, "elsewhere", 0.7, says)
    return found


def _given(wanted: Iterable[Slot]) -> set[str]:
    """The names that the instructor's cells bind."""
    return set().union(*(bound(slot.stub) for slot in wanted if slot.kind == "given"))


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


def _completed(
    wanted: Iterable[Slot], answers: dict[str, str], extra: list[str]
) -> tuple[dict[str, str], list[Finding]]:
    """The answers as plain Python, each with the definitions from cells of the student's own that it needs."""
    known = _given(wanted)
    found, findings = {}, []
    for name, source in answers.items():
        known |= bound(plain(source))
        parts = borrowed(needed(plain(source)), [plain(each) for each in extra], known)
        if new := set().union(*map(bound, parts)):
            known |= new
            says = f"{name} uses what other cells define: {short(', '.join(sorted(new)))}"
            findings.append(Finding("", "borrowed", SURE, says))
        found[name] = "\n".join([*parts, plain(source)])
    return found, findings


def short(text: str) -> str:
    return text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]}..."


def same(one: str, other: str) -> bool:
    """Whether two cells are the same text, spaces at the ends of lines and empty lines aside."""
    return _lines(one) == _lines(other)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip()]
