"""What an answer needs from elsewhere in its notebook: helpers in other cells, or all of it in the wrong place."""

from collections.abc import Iterable

from cnnlab.grading.definitions import borrowed, bound, needed, plain
from cnnlab.grading.reading import RawCell
from cnnlab.grading.slots import SURE, Finding, Slot, same

MOST_SAID = 200  # characters of names in a finding


def changed(wanted: list[Slot], places: dict[str, int], cells: list[RawCell]) -> dict[str, int]:
    """The instructor's cells of code in which a student wrote, too."""
    ours = [slot for slot in wanted if slot.code and not slot.theirs and slot.name in places]
    return {slot.name: places[slot.name] for slot in ours if not same(cells[places[slot.name]].source, slot.stub)}


def from_other_cells(
    wanted: list[Slot], answers: dict[str, str], unedited: set[str], places: dict[str, int], cells: list[RawCell]
) -> dict[str, tuple[str, Finding]]:
    """Answers that stand in the place of something else: their definitions, and that somebody should look."""
    known = _given(wanted)
    others = changed(wanted, places, cells)
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


def completed(
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
            says = f"{name} uses what other cells define: {_short(', '.join(sorted(new)))}"
            findings.append(Finding("", "borrowed", SURE, says))
        found[name] = "\n".join([*parts, plain(source)])
    return found, findings


def _short(text: str) -> str:
    return text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]}..."
