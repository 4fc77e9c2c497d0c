"""Telling a command: what it prints, what it leaves behind, what waits and is damaged."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.record.table import PENDING, Record
from hub.watching import watch as watching
from hub.watching.notify import start_collecting, tell
from tests.hub.record.answers import answer, write_and_add


@pytest.fixture
def waiting(tmp_path):
    """A record in which one deformation waits to be told of, and its rows by serial."""
    start_collecting(tmp_path)
    write_and_add(tmp_path, answer("20170103", "20170115", 0.97))
    rows = {row["serial"]: row for row in Record(tmp_path).flush()}
    return tmp_path, rows


def test_what_a_command_prints_may_be_no_text(waiting):
    folder, rows = waiting
    assert tell(folder, ["sh", "-c", r"printf 'f\374r'"], rows) == (1, [])
    assert list((folder / PENDING).iterdir()) == []


def test_the_last_line_of_a_command_that_fails_is_told(waiting):
    folder, rows = waiting
    told, (problem,) = tell(
        folder, ["sh", "-c", r"yes | head -5000; printf 'f\374r'; exit 3"], rows
    )
    assert told == 0 and "exit status 3 f�r" in problem


def test_a_command_that_leaves_something_running_has_ended(waiting):
    folder, rows = waiting
    begun = time.monotonic()
    assert tell(folder, ["sh", "-c", "sleep 20 & exit 0"], rows) == (1, [])
    assert time.monotonic() - begun < 10


def test_a_damaged_item_does_not_keep_the_others_back(waiting):
    folder, _ = waiting
    write_and_add(folder, answer("20170115", "20170127", 0.98))
    rows = {row["serial"]: row for row in Record(folder).flush()}
    (folder / PENDING / "1.json").write_text("")
    (folder / PENDING / "1 (copy).json").write_text("{}")
    told, (problem,) = tell(folder, ["true"], rows)
    assert told == 1 and "1.json is damaged" in problem


def test_of_two_watchers_one_tells(waiting):
    folder, rows = waiting
    told = folder / "told.txt"
    command = ["sh", "-c", f"cat >> {told}; sleep 0.5"]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: tell(folder, command, rows), range(2)))
    assert sorted(found) == [(0, []), (1, [])]
    assert told.read_text().count('"serial"') == 1


def look(folder):
    return watching.look("no model", [folder / "in"], folder / "record")


def test_an_alarm_of_a_look_that_was_killed_is_raised_by_the_next(tmp_path):
    (tmp_path / "in").mkdir()
    assert look(tmp_path).status == 0
    record = tmp_path / "record"
    write_and_add(record, answer("20170103", "20170115", 0.97))  # then the look was killed
    found = look(tmp_path)
    assert found.status == watching.DEFORMATION and len(found.deforming) == 1
    assert look(tmp_path).status == watching.DEFORMATION  # nobody was told yet
    found.keep()
    assert look(tmp_path).status == 0
    assert json.loads((record / watching.TOLD).read_text()) == [1]


def test_alarms_of_a_record_that_was_never_watched_are_known(tmp_path):
    (tmp_path / "in").mkdir()
    write_and_add(tmp_path / "record", answer("20170103", "20170115", 0.97))
    assert look(tmp_path).status == 0
