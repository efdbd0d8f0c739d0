"""Hostile and broken submissions, each with the verdict promised: what the tests run in CI, and the page *Attacks* shows.

Two questions. A row replaces the first answer, or does something to the file; the second answer is right, and its test must
pass whatever the first one does. An answer that gets at what it is after answers rightly: "failed" says that it found
nothing. `COURSE` and `PORT` in an answer stand for the instructor's folder and for a port on which a server listens.
"""

from hostile import aims, files, kernel, lies, limits, reach, wire
from hostile.rows import ASSIGNMENT, DOUBLE, LIMITS, PASS, TOTAL, Attack

__all__ = ["ASSIGNMENT", "ATTACKS", "DOUBLE", "FAMILIES", "LIMITS", "PASS", "TOTAL", "Attack"]

FAMILIES: dict[str, dict[str, Attack]] = {
    "Takes more time than there is": limits.TIME_OUT,
    "Ends the process": limits.ENDS,
    "Takes more than its share": limits.SHARE,
    "Looks for what it must not see": reach.LOOKS,
    "Becomes somebody else": reach.BECOMES,
    "Lies about its answer": lies.LIES,
    "Changes the kernel that runs the tests": kernel.TRICKS,
    "Speaks for the grader": wire.FRAMES,
    "Aims at what it read in our source": aims.AIMS,
    "Does something to the file": files.FILES,
    "Means no harm": files.HARMLESS,
}
ATTACKS: dict[str, Attack] = {name: attack for family in FAMILIES.values() for name, attack in family.items()}
