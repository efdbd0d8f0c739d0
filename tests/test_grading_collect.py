"""What learning platforms and students put into archives and folders, harmless and not, and what of it is taken."""

import io
import stat
import struct
import zipfile
from datetime import datetime

import classroom
import pytest
from classroom import handed_in, reference, zipped

from cnnlab.grading.collecting import absent, collect, remembered
from cnnlab.grading.course import Course
from cnnlab.grading.gradebook import Person
from cnnlab.grading.roster import Sender, as_id, find, read_roster, sender

SLUG = "activations"
GOOD = handed_in(SLUG, reference(SLUG))
EMPTY = handed_in(SLUG)
PEOPLE = [
    Person("ada", "Ada", "Lovelace", "ada@example.org", "101"),
    Person("bob", "Robert", "Müller", "bob@example.org", "102"),
    Person("eve", "Eve", "Adams", "", ""),
]
MOODLE = "assignsubmission_file_"


@pytest.fixture
def course(tmp_path):
    """The folders of a course; nothing here needs the gradebook."""
    for step in ("source", "release"):
        target = tmp_path / "course" / step / SLUG / f"{SLUG}.ipynb"
        target.parent.mkdir(parents=True)
        target.write_bytes((classroom.EXERCISES / step / SLUG / f"{SLUG}.ipynb").read_bytes())
    return Course(tmp_path / "course")


def submitted(course: Course) -> dict[str, bytes]:
    return {path.parts[-3]: path.read_bytes() for path in course.root.glob("submitted/*/*/*.ipynb")}


FORMS = {
    "Moodle, a folder each": (
        [f"Ada Lovelace_101_{MOODLE}/activations.ipynb", f"Robert Müller_102_{MOODLE}/My work.ipynb"],
        ["ada", "bob"],
    ),
    "Moodle, flat": ([f"Ada Lovelace_101_{MOODLE}activations.ipynb"], ["ada"]),
    "Moodle, numbers that nobody knows": ([f"Lovelace Ada_777_{MOODLE}/a.ipynb"], ["ada"]),
    "Canvas": (["lovelaceada_101_5551_activations.ipynb", "adamseve_LATE_9_5552_activations-3.ipynb"], ["ada", "eve"]),
    "nbgrader": (
        ["submitted/ada/activations/activations.ipynb", "submitted/bob/activations/activations.ipynb"],
        ["ada", "bob"],
    ),
    "a folder each": (["class/ada/work.ipynb", "class/Robert Muller/work.ipynb"], ["ada", "bob"]),
    "a file each": (["ada.ipynb", "activations_bob.ipynb", "eve adams - activations.ipynb"], ["ada", "bob", "eve"]),
    "one file in a folder": (["handins/ada.ipynb", "handins/bob.ipynb"], ["ada", "bob"]),
    "a slip in the name": (["Ada Lovelaec.ipynb"], ["ada"]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_names_of_every_form_are_matched_with_the_people(course, tmp_path, form, kind):
    names, students = FORMS[form]
    if kind == "zip":
        source = zipped(tmp_path / "in.zip", dict.fromkeys(names, GOOD))
    else:
        source = tmp_path / "in"
        for name in names:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(GOOD)
    done = collect(course, SLUG, source, PEOPLE)
    assert submitted(course) == dict.fromkeys(students, GOOD)
    assert done.late == (["eve"] if form == "Canvas" else []) and not done.new


def test_whoever_is_not_in_the_course_is_entered_and_told(course, tmp_path):
    names = [
        f"Zoë O'Hara_7_{MOODLE}/a.ipynb",
        f"Li Wei_8_{MOODLE}/a.ipynb",
        f"Li Wei_9_{MOODLE}/a.ipynb",
        f"王小明_10_{MOODLE}/a.ipynb",
    ]
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", dict.fromkeys(names, GOOD)), PEOPLE)
    assert set(submitted(course)) == {"zoe-o-hara", "li-wei-8", "li-wei-9", "王小明"}
    assert {each.id: each.lms for each in done.new}["li-wei-9"] == "9"
    assert "Zoë O'Hara: nobody in the course has this name; entered as zoe-o-hara" in done.told


def test_a_name_that_two_have_is_told_with_what_to_do(course, tmp_path):
    twins = [Person("a1", "Ann", "Lee"), Person("a2", "Ann", "Lee")]
    name = f"Ann Lee_7_{MOODLE}/a.ipynb"
    (told,) = collect(course, SLUG, zipped(tmp_path / "in.zip", {name: GOOD}), twins).told
    assert told.startswith("Ann Lee: a1 and a2 are called so (") and told.endswith("entered as ann-lee")
    done = collect(course, SLUG, zipped(tmp_path / "2.zip", {name.replace("Ann Lee", "a2"): GOOD}), twins)
    assert list(done.taken) == ["a2"] and done.senders["a2"].lms == "7"


def test_a_name_that_fits_two_people_is_nobodys(course):
    twins = [Person("a1", "Ann", "Lee"), Person("a2", "Ann", "Lee")]
    assert find(Sender("Ann Lee"), twins) == (None, "") and find(Sender("a2"), twins)[0] is twins[1]
    assert find(Sender("Ann Le"), twins) == (None, "")


def test_of_several_notebooks_the_fullest_then_the_newest_is_taken_and_the_others_told(course, tmp_path):
    other = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    files = {
        "lovelaceada_101_1_activations.ipynb": EMPTY,
        "lovelaceada_101_2_activations-2.ipynb": GOOD,
        "lovelaceada_101_3_notes-9.ipynb": other,
    }
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", files), PEOPLE)
    assert submitted(course) == {"ada": GOOD}
    assert [
        line
        for line in done.told
        if line.startswith("ada handed in 3 notebooks: lovelaceada_101_2_activations-2.ipynb is taken")
    ]


def test_a_notebook_that_a_student_has_zipped_is_taken(course, tmp_path):
    files = {
        f"Ada Lovelace_101_{MOODLE}/work.zip": boxed("home/ada/my answers.ipynb", GOOD),
        "muellerrobert_102_77_work.zip": boxed("x.ipynb", GOOD),
        "eve.zip": boxed("bob/x.ipynb", GOOD),
    }
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", files), [*PEOPLE[:1], Person("bob", lms="102"), PEOPLE[2]])
    assert submitted(course) == dict.fromkeys(["ada", "bob", "eve"], GOOD)
    assert done.told == ["muellerrobert_102_77_work.zip/x.ipynb: taken for bob (bob), whose number 102 is"]


def test_who_handed_in_no_notebook_and_what_cannot_be_read_is_told_at_once(course, tmp_path):
    files = {
        f"Ada Lovelace_1_{MOODLE}/a.py": b"print()",
        f"Robert Müller_2_{MOODLE}/a.ipynb": b'{"cells": [',
        "eve.ipynb": b"",
    }
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", files), PEOPLE)
    assert done.nothing == {"ada": [f"Ada Lovelace_1_{MOODLE}/a.py"]} == remembered(course, SLUG)[1]
    assert [line for line in done.told if "the file is no notebook" in line and "Müller" in line]
    assert "eve.ipynb: the file is no notebook: it is empty" in done.told
    assert absent(PEOPLE, course, SLUG) == [] and set(done.taken) == {"bob", "eve"}
    collect(course, SLUG, zipped(tmp_path / "2.zip", {f"Ada Lovelace_1_{MOODLE}/a.ipynb": GOOD}), PEOPLE)
    assert remembered(course, SLUG)[1] == {}


def test_a_number_of_moodles_that_is_another_persons_gives_nobody_anothers_work(course, tmp_path):
    """Participants' numbers are new in each assignment: 101 is Eve's here, and Ada's in the gradebook."""
    files = {f"Eve Adams_101_{MOODLE}/a.ipynb": GOOD, f"Ada Lovelace_102_{MOODLE}/a.ipynb": EMPTY}
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", files), PEOPLE)
    assert submitted(course) == {"eve": GOOD, "ada": EMPTY} and not done.told
    assert {student: who.lms for student, who in remembered(course, SLUG)[0].items()} == {"eve": "101", "ada": "102"}
    done = collect(course, SLUG, zipped(tmp_path / "2.zip", {f"Teilnehmer_101_{MOODLE}/a.ipynb": GOOD}), PEOPLE)
    assert done.told[0].endswith("taken for Ada Lovelace (ada), whose number 101 is")


def test_what_comes_after_the_time_is_late(course, tmp_path):
    source = zipped(tmp_path / "in.zip", {"ada.ipynb": GOOD}, (2026, 11, 20, 12, 0, 0))
    assert collect(course, SLUG, source, PEOPLE, datetime(2026, 11, 20, 11, 59)).late == ["ada"]
    assert collect(course, SLUG, source, PEOPLE, datetime(2026, 11, 20, 12, 1)).late == []
    assert (course.root / f"submitted/ada/{SLUG}/timestamp.txt").read_text() == "2026-11-20 12:00:00 UTC"


def test_the_times_in_a_platforms_archive_are_those_of_its_making_and_make_nobody_late(course, tmp_path):
    """It is made after the time, so that everybody would be late by it; Canvas marks who was."""
    files = {"lovelaceada_101_1_a.ipynb": GOOD, "mllerrobert_LATE_102_2_a.ipynb": GOOD}
    due, made = datetime(2026, 11, 20), (2026, 11, 21, 12, 0, 0)
    done = collect(course, SLUG, zipped(tmp_path / "1.zip", files, made), PEOPLE, due)
    assert done.late == ["bob"] and done.told[-1].startswith("the archive does not say when each was handed in")
    assert set(done.taken) == {"ada", "bob"} and not list(course.root.glob("submitted/*/*/timestamp.txt"))
    again = {"lovelaceada_101_3_a-1.ipynb": EMPTY}  # from a server whose clock is hours behind
    done = collect(course, SLUG, zipped(tmp_path / "2.zip", again, (2026, 11, 21, 4, 0, 0)), PEOPLE, due)
    assert submitted(course)["ada"] == EMPTY and "ada: replaces what was handed in before" in done.told


def test_collecting_again_takes_newer_notebooks_and_keeps_those_that_are_newer_already(course, tmp_path):
    collect(course, SLUG, zipped(tmp_path / "1.zip", {"ada.ipynb": EMPTY}, (2026, 11, 20, 12, 0, 0)), PEOPLE)
    done = collect(course, SLUG, zipped(tmp_path / "2.zip", {"ada.ipynb": GOOD}, (2026, 11, 21, 12, 0, 0)), PEOPLE)
    assert submitted(course) == {"ada": GOOD} and done.told == ["ada: replaces what was handed in before"]
    done = collect(course, SLUG, tmp_path / "1.zip", PEOPLE)
    assert submitted(course) == {"ada": GOOD} and "older than what ada handed in before" in done.told[0]


def test_exercises_in_one_folder_are_told_apart(course, tmp_path):
    other = course.root / "source/initialization/initialization.ipynb"
    other.parent.mkdir()
    other.write_bytes(b"{}")
    names = {"s/ada/activations/activations.ipynb": GOOD, "s/ada/initialization/initialization.ipynb": EMPTY}
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", names), PEOPLE)
    assert submitted(course) == {"ada": GOOD} and not done.told


# Attacks: nothing is written but `submitted/<student>/activations/`, whatever the archive says.


def link(archive: zipfile.ZipFile, name: str, target: str) -> None:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, target)


def boxed(name: str, data: bytes) -> bytes:
    """An archive with one file."""
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return box.getvalue()


def lying(path):
    """An archive whose directory says a notebook has 10 bytes, while 80 MB unfold."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bob.ipynb", "w", force_zip64=False) as file,
    ):
        for _ in range(80):
            file.write(b"0" * (1 << 20))
    data = bytearray(path.read_bytes())
    size = struct.pack("<L", 80 << 20)
    path.write_bytes(bytes(data).replace(size, struct.pack("<L", 10)))


ATTACKS = {
    "a name that leads up": (lambda a: a.writestr("../../../up.ipynb", GOOD), "leads out of the archive"),
    "a name that starts at the root": (lambda a: a.writestr("/tmp/up.ipynb", GOOD), "leads out of the archive"),
    "a name of Windows that leads up": (lambda a: a.writestr("..\\..\\up.ipynb", GOOD), "leads out of the archive"),
    "a drive": (lambda a: a.writestr("C:/up.ipynb", GOOD), "leads out of the archive"),
    "a link": (lambda a: link(a, "bob.ipynb", "/etc/passwd"), "a link"),
    "a module beside the notebook": (lambda a: a.writestr("bob/torch.py", "raise SystemExit"), "no notebook"),
    "a package beside the notebook": (lambda a: a.writestr("bob/cnnlab/__init__.py", ""), "no notebook"),
    "a broken archive in the archive": (lambda a: a.writestr("bob/work.zip", b"PK"), "cannot be opened"),
    "an archive of archives": (
        lambda a: a.writestr("bob/work.zip", boxed("in.zip", boxed("b.ipynb", GOOD))),
        "no notebook",
    ),
    "an archive that leads up": (lambda a: a.writestr("bob/work.zip", boxed("../../up.ipynb", GOOD)), "no notebook"),
    "a bomb in an archive": (
        lambda a: a.writestr("bob/b.zip", boxed("b.ipynb", b"0" * (80 << 20))),
        "unfolds into 80 MB",
    ),
    "a bomb": (lambda a: a.writestr("bob.ipynb", b"0" * (80 << 20)), "unfolds into 80 MB"),
    "a pickle by another name": (lambda a: a.writestr("bob.ipynb/data.pkl", b"\x80"), "no notebook"),
}


@pytest.mark.parametrize("attack, says", ATTACKS.values(), ids=ATTACKS)
def test_an_archive_writes_nothing_but_notebooks_in_their_places(course, tmp_path, attack, says):
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada.ipynb", GOOD)
        attack(archive)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    done = collect(course, SLUG, tmp_path / "in.zip", PEOPLE)
    written = {
        str(path.relative_to(course.root)) for path in tmp_path.rglob("*") if path.is_file() and path not in before
    }
    written.remove(f".cnnlab/{SLUG}.collected.json")
    assert written == {f"submitted/ada/{SLUG}/{SLUG}.ipynb", f"submitted/ada/{SLUG}/timestamp.txt"}
    assert len(done.told) == 1 and says in done.told[0]


PRETENDS = {
    "Canvas's name with Moodle's in it": "adamseve_9_5552_bob_102_assignsubmission_file_.ipynb",
    "Moodle's name with Canvas's in it": f"Eve Adams_9_{MOODLE}x_102_5_a.ipynb",
    "Moodle's folder with Moodle's in it": f"Eve Adams_9_{MOODLE}/Bob_102_{MOODLE}/a.ipynb",
    "a folder of another": "class/eve/bob/a.ipynb",
    "a folder of nbgrader's": f"class/eve/bob/{SLUG}/{SLUG}.ipynb",
    "a file of another": "class/eve/bob.ipynb",
}


@pytest.mark.parametrize("name", PRETENDS.values(), ids=PRETENDS)
def test_nobody_hands_in_for_another(course, tmp_path, name):
    collect(course, SLUG, zipped(tmp_path / "in.zip", {name: GOOD, "class/bob/a.ipynb": EMPTY}), PEOPLE)
    assert submitted(course) == {"eve": GOOD, "bob": EMPTY}


def crowd(many: int) -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as archive:
        for i in range(many):
            archive.writestr(f"{i}.ipynb", b"")
    return box.getvalue()


def patched(old: bytes, new: bytes, data: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


@pytest.mark.parametrize(
    "data",
    [
        crowd(5001),
        patched(b"PK\x01\x02\x14\x03\x14\x00", b"PK\x01\x02\x14\x03\x63\x00", boxed("x.ipynb", GOOD)),
        patched("é".encode(), b"\xff\xff", boxed("é.ipynb", GOOD)),
        b"PK no zip",
    ],
    ids=["crowd", "version", "name", "none"],
)
def test_a_zip_of_one_student_stops_nobody_else(course, tmp_path, data):
    files = {f"Ada Lovelace_1_{MOODLE}/work.zip": data, f"Robert Müller_2_{MOODLE}/a.ipynb": GOOD}
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", files), PEOPLE)
    assert submitted(course) == {"bob": GOOD} and list(done.nothing) == ["ada"]
    assert [line for line in done.told if "Ada Lovelace" in line and "archive" in line]


def test_a_zip_that_claims_gigabytes_stops_nobody_else(course, tmp_path, monkeypatch):
    from cnnlab.grading import entries

    monkeypatch.setattr(entries, "NESTED_UNFOLDED", 100)
    files = {f"Ada Lovelace_1_{MOODLE}/work.zip": boxed("x.ipynb", GOOD), f"Robert Müller_2_{MOODLE}/a.ipynb": GOOD}
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", files), PEOPLE)
    assert submitted(course) == {"bob": GOOD} and list(done.nothing) == ["ada"]


@pytest.mark.parametrize("name", ["A.IPYNB", "a.ipynb.txt", "a.ipynb.json", "10:30 a.ipynb"])
def test_harmless_names_are_notebooks_too(course, tmp_path, name):
    collect(course, SLUG, zipped(tmp_path / "in.zip", {f"Ada Lovelace_1_{MOODLE}/{name}": GOOD}), PEOPLE)
    assert submitted(course) == {"ada": GOOD}


def test_two_numbers_of_one_name_in_an_archive_of_moodles_are_two_people(course, tmp_path):
    files = {f"Ada Lovelace_21_{MOODLE}/a.ipynb": GOOD, f"Ada Lovelace_22_{MOODLE}/a.ipynb": EMPTY}
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", files), PEOPLE)
    assert submitted(course) == {"ada-lovelace-21": GOOD, "ada-lovelace-22": EMPTY}
    assert done.told[0] == "Ada Lovelace: two numbers of Moodle's have this name; 21 is entered as ada-lovelace-21"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bytes_that_do_not_unfold_cost_one_student_alone(course, tmp_path, method):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("ada.ipynb", GOOD)
        archive.writestr("bob.ipynb", GOOD, method)
    data = bytearray((tmp_path / "in.zip").read_bytes())
    start = data.index(b"bob.ipynb") + 9
    data[start + 12 : start + 60] = b"\xa5" * 48
    (tmp_path / "in.zip").write_bytes(data)
    done = collect(course, SLUG, tmp_path / "in.zip", PEOPLE)
    assert set(submitted(course)) == {"ada"} and "cannot be unpacked" in done.told[0]


def test_an_archive_that_lies_about_its_sizes_is_refused_in_part(course, tmp_path):
    lying(tmp_path / "in.zip")
    done = collect(course, SLUG, tmp_path / "in.zip", PEOPLE)
    assert submitted(course) == {} and "cannot be unpacked" in done.told[0]


def test_a_name_of_dots_and_slashes_becomes_a_harmless_folder(course, tmp_path):
    names = [f"..%2f..%2f_7_{MOODLE}/a.ipynb", f"<script>_8_{MOODLE}/a.ipynb", ". ./a.ipynb"]
    collect(course, SLUG, zipped(tmp_path / "in.zip", dict.fromkeys(names, GOOD)), [])
    assert set(submitted(course)) == {"2f-2f", "script", "nameless"}


def test_a_name_is_no_longer_than_the_gradebook_holds(course, tmp_path):
    source = zipped(tmp_path / "in.zip", {f"{'a' * 240}.ipynb": GOOD, f"{'b ' * 100}_7_{MOODLE}/x.ipynb": GOOD})
    done = collect(course, SLUG, source, [])
    assert [len(each.id) <= 128 and len(each.last) <= 128 for each in done.new] == [True, True]


def test_more_than_a_class_can_hand_in_is_refused(course, tmp_path, monkeypatch):
    from cnnlab.grading import entries

    monkeypatch.setattr(entries, "NOTEBOOKS", 2)
    names = dict.fromkeys(["a.ipynb", "b.ipynb", "c.ipynb"], GOOD)
    with pytest.raises(ValueError, match="3 notebooks are more than the 2"):
        collect(course, SLUG, zipped(tmp_path / "in.zip", names), [])
    monkeypatch.setattr(entries, "UNFOLDED", 1000)
    with pytest.raises(ValueError, match="unfolds into more than"):
        collect(course, SLUG, tmp_path / "in.zip", [])


def test_links_in_a_folder_are_not_followed(course, tmp_path):
    (tmp_path / "in/ada").mkdir(parents=True)
    (tmp_path / "secret.ipynb").write_bytes(GOOD)
    (tmp_path / "in/ada/a.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (tmp_path / "in/bob").symlink_to(tmp_path)
    done = collect(course, SLUG, tmp_path / "in", PEOPLE)
    assert submitted(course) == {} and len(done.told) == 2 and all("a link" in line for line in done.told)


def test_a_link_in_submitted_is_not_written_through(course, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (course.root / "submitted").mkdir()
    (course.root / "submitted/ada").symlink_to(tmp_path / "elsewhere")
    done = collect(course, SLUG, zipped(tmp_path / "in.zip", {"ada.ipynb": GOOD}), PEOPLE)
    assert list((tmp_path / "elsewhere").iterdir()) == [] and "is a link" in done.told[0]


def test_what_is_no_archive_is_said_to_be_none(course, tmp_path):
    (tmp_path / "in.zip").write_bytes(b"Rar!")
    with pytest.raises(ValueError, match="is no zip archive: give what Moodle or Canvas"):
        collect(course, SLUG, tmp_path / "in.zip", PEOPLE)


# Names


def test_who_sent_it_is_read_off_every_form_of_path():
    for folder in ("Ada Lovelace_101_assignsubmission_file_", "Ada Lovelace_101_assignsubmission_file"):
        assert sender((folder, "x.ipynb"), SLUG) == Sender("Ada Lovelace", "101", platform="moodle", file=folder)
    assert sender(("scorejean_luc_40192_7_a_3_4_b.ipynb",), SLUG).name == "scorejean_luc"
    for name in ("lovelaceada_LATE_1_22_a-b-4.ipynb", "lovelaceada_LATE_1_22_a_b-4.zip"):
        assert sender((name,), SLUG) == Sender("lovelaceada", "1", True, 4, "canvas", name)
    assert sender(("ada", SLUG, f"{SLUG}.ipynb"), SLUG) == Sender("ada")
    assert sender((f"{SLUG}.ipynb",), SLUG) == Sender(SLUG)


ROSTERS = {
    "nbgrader": "id,first_name,last_name,email,lms_user_id\nada,Ada,Lovelace,ada@example.org,101\n",
    "Moodle": "First name,Surname,Email address,Username,Moodle ID\nAda,Lovelace,ada@example.org,ada,101\n",
    "Canvas": 'Student,ID,SIS User ID,SIS Login ID,Section,Email\n"Lovelace, Ada",101,S1,ada,A,ada@example.org\n',
    "Canvas, with its other rows": "Student,ID,SIS User ID,SIS Login ID,Section,Email\n    Points Possible,,,,,\n"
    '"Lovelace, Ada",101,S1,ada,A,ada@example.org\n"Student, Test",9,,a8f5,A,\n',
    "the same person in two groups": "First name,Surname,Email address,Username,Moodle ID\n"
    + "Ada,Lovelace,ada@example.org,ada,101\n" * 2,
    "a full name": "id,full name,email,lms\nada,Ada Lovelace,ada@example.org,101\n",
}


@pytest.mark.parametrize("table", ROSTERS.values(), ids=ROSTERS)
def test_a_list_of_the_course_is_read_in_every_form(tmp_path, table):
    (tmp_path / "roster.csv").write_text("\ufeff" + table)
    assert read_roster(tmp_path / "roster.csv") == [PEOPLE[0]]


def test_two_people_are_never_one_in_a_list(tmp_path):
    """Moodle's table has neither user name nor number, and the first part of an address may be two people's."""
    table = "First name,Last name,Email address\nAda,Lovelace,ada@example.org\nAda,Byron,ada@example.com\n"
    (tmp_path / "roster.csv").write_text(table)
    assert [(each.id, each.last) for each in read_roster(tmp_path / "roster.csv")] == [
        ("ada", "Lovelace"),
        ("ada@example.com", "Byron"),
    ]
    (tmp_path / "roster.csv").write_text("id,first_name,last_name\nada,Ada,Lovelace\nada,Ada,Byron\n")
    with pytest.raises(ValueError, match="the id ada stands for both Ada Lovelace and Ada Byron"):
        read_roster(tmp_path / "roster.csv")


def test_a_list_that_names_nobody_is_refused(tmp_path):
    (tmp_path / "roster.csv").write_text("color\nred\n")
    with pytest.raises(ValueError, match="names nobody: give a column id"):
        read_roster(tmp_path / "roster.csv")


def test_a_name_becomes_a_folder_without_accents():
    assert [as_id(name) for name in ("Zoë  Müller", "../..", "O'Neil, Ann", "王小明")] == [
        "zoe-muller",
        "nameless",
        "o-neil-ann",
        "王小明",
    ]
