"""Attacks by the file: what is no notebook, or much more than one, is refused with a reason, in little time and memory."""

import json
import os
import tracemalloc

import pytest

from cnnlab.grading.reading import BYTES, Unreadable, parse_cells, read_cells

CELL = {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": []}


def notebook(*cells: dict, **more) -> bytes:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more).encode()


REFUSED = {
    "an empty file": (b" \n", "it is empty"),
    "half a file": (notebook(CELL)[:40], "no notebook: "),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "no notebook: "),
    "a list": (b"[1, 2]", "has no list of cells"),
    "format 3": (b'{"worksheets": [{"cells": []}], "nbformat": 3}', "has no list of cells"),
    "cells that are none": (b'{"cells": {"0": 1}}', "has no list of cells"),
    "marks of a merge": (notebook(CELL)[:30] + b"\n<<<<<<< HEAD\n" + notebook(CELL), "a merge left its marks"),
    "thousands of levels": (b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "levels deep"),
    "millions of values": (b'{"cells": [' + b"[]," * 1_500_000 + b"0]}", "millions of values"),
    "thousands of cells": (notebook(*[CELL] * 2001), "2001 cells; at most 2000"),
    "a number of a million digits": (b'{"cells": ' + b"9" * 1_000_000 + b"}", "no notebook: "),
    "a megabyte of code": (notebook(CELL | {"source": "x = 1\n" * 200_000}), "characters of code; at most 1,000,000"),
}


@pytest.mark.parametrize("data, says", REFUSED.values(), ids=REFUSED)
def test_what_is_no_notebook_is_refused_with_the_reason(data, says):
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match=says):
            parse_cells(data)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_a_notebook_of_a_gigabyte_is_refused_unread(tmp_path):
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(Unreadable, match="large.ipynb has 1024 MB; at most 64 are read. Clear the outputs."):
        read_cells(path)
    assert BYTES == 64 << 20


def test_links_pipes_and_folders_are_not_read(tmp_path):
    (tmp_path / "secret.ipynb").write_bytes(notebook(CELL))
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "secret.ipynb")
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    for name, says in {"link": "is a link", "pipe": "not a plain file", "folder": "not a plain file"}.items():
        with pytest.raises(Unreadable, match=f"{name}.ipynb .*{says}"):
            read_cells(tmp_path / f"{name}.ipynb")


def test_a_folder_that_is_a_link_is_not_entered(tmp_path):
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob/x.ipynb").write_bytes(notebook(CELL))
    (tmp_path / "eve").symlink_to(tmp_path / "bob")
    assert read_cells(tmp_path / "bob/x.ipynb", tmp_path)
    with pytest.raises(Unreadable, match="the folder eve is a link"):
        read_cells(tmp_path / "eve/x.ipynb", tmp_path)


def test_whatever_stands_in_a_cell_is_read_as_text_that_can_be_written():
    cells = parse_cells(
        notebook(CELL | {"source": "s = '\ud800\0'"}, CELL | {"source": ["a\n", 7, None, "b"]}, {"cell_type": []}, 5)
    )
    assert [cell.source for cell in cells] == ["s = '\ufffd\ufffd'", "a\nb", ""]
    assert [cell.code for cell in cells] == [True, True, False]
    for cell in cells:
        cell.source.encode("utf8")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encodings_that_editors_write_are_read(encoding):
    text = json.dumps({"cells": [CELL | {"source": "é = 1"}]}, ensure_ascii=False)
    assert [cell.source for cell in parse_cells(text.encode(encoding))] == ["é = 1"]


def test_a_byte_that_is_no_text_costs_a_letter_and_not_the_submission():
    data = notebook(CELL | {"source": "# Zürich\nx = 1"}).replace(b"\\u00fc", b"\xfc")
    assert parse_cells(data)[0].source == "# Z\ufffdrich\nx = 1"
