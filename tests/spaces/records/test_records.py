"""The operator's record: read while it grows, told plainly where it is none, no folder told."""

import dataclasses
import json
import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataset_script.errors import HephaestusError
from hub.record.table import Record
from tests.hub.record.answers import answer
from tests.spaces.records.made import STRONG, add_pair, make_record


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "secret-place" / "observatory"
    made.mkdir(parents=True)
    return make_record(made)


def opened(settings, *folders):
    from page.records.kept_record import open_records

    return open_records(dataclasses.replace(settings, records=folders))


@pytest.fixture
def client(settings, folder):
    from page.records.routes import routes

    return TestClient(Starlette(routes=routes(opened(settings, folder))))


OF = "record=0&of=volcano-221080"


def test_what_is_there_and_what_stands(client):
    index = client.get("/record/index").text
    assert "No newest pair shows deformation (1 volcano)." in index
    assert "Erta Ale (8 pairs, last deformation 2017-03-16)" in index
    found = client.get(f"/record/history?{OF}").json()
    assert found["title"] == "Erta Ale: 8 pairs, 2017-01-03 to 2017-04-09; 1 with deformation"
    bars = {bar["scene"]: bar for bar in found["bars"]}
    assert len(bars) == len(found["bars"]) == 8, "what was superseded is not shown"
    assert bars[STRONG]["standing"] == "deformation" and bars[STRONG]["probability"] == 0.97
    assert sorted(bar["strength"] for bar in bars.values())[:2] == [0.37, 1.0]
    assert found["limits"] == {"model’s limit": 0.9}
    dates = re.findall(r"(2017-\d\d-\d\d) to", found["table"])
    assert dates == sorted(dates, reverse=True) and len(dates) == 8
    said = client.get(f"/record/pair?{OF}&scene={STRONG}").text
    assert "Ground deformation is likely at Erta Ale, within 1 km of the summit" in said
    assert "between 4 March 2017 and 16 March 2017 (12 days)" in said
    quiet = client.get(f"/record/pair?{OF}&scene={next(iter(bars))}").text
    assert "No ground deformation was found at Erta Ale between 3 January 2017" in quiet


def test_pictures_and_files_of_a_pair_and_no_folder_of_the_server(client, folder):
    page = client.get(f"/record/pair?{OF}&scene={STRONG}").text
    links = [each.replace("&amp;", "&") for each in re.findall(r'(?:src|href)="([^"]+)"', page)]
    assert len(links) == 3 + 4
    told = [page, client.get("/record/index").text, client.get(f"/record/history?{OF}").text]
    for link in links:
        answered = client.get(f"/{link}")
        assert answered.status_code == 200 and answered.content
        if answered.headers["content-type"].startswith(("text", "application")):
            told.append(answered.text)
    assert len(told) == 3 + 2
    for text in told:
        assert "secret" not in text and str(folder.parent) not in text and "/in/" not in text
    assert "20170304.cc.tif: left out" in page
    assert client.get(f"/record/file?record=0&scene={STRONG}&kind=kmz").status_code == 404
    for query in ("record=1&of=x", "record=0&of=frame-x", "record=-1", ""):
        assert client.get(f"/record/history?{query}").status_code == 404


def test_files_of_a_newer_answer_are_not_shown_as_those_of_the_row(client, folder):
    path = folder / f"{STRONG}.json"
    newer = json.loads(path.read_text())
    newer["made_from"]["weights"] = "w2"
    path.write_text(json.dumps(newer))
    page = client.get(f"/record/pair?{OF}&scene={STRONG}").text
    assert "being written anew" in page and "<img" not in page


def test_a_record_that_grows_is_read_again_after_a_while(settings, folder, monkeypatch):
    from page.records import kept_record

    now = [0.0]
    record = kept_record.KeptRecord(folder, "a", lambda: now[0])
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    add_pair(folder, answer("20170409", "20170421", 0.95))
    assert len(record.history("volcano-221080").rows) == 8
    now[0] = kept_record.PAUSE + 1
    newest = record.history("volcano-221080").rows[-1]
    assert newest["secondary_dates"] == ["2017-04-21"] and newest["alarm"]
    Record(folder).flush()
    now[0] *= 3
    assert len(record.history("volcano-221080").rows) == 9
    assert before.keys() <= {*folder.rglob("*")}


def test_who_reads_writes_nothing(settings, folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    opened(settings, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_several_records_have_names_of_their_own(settings, folder, tmp_path):
    from page.records.timeline import index

    other = tmp_path / "b" / "observatory"
    other.mkdir(parents=True)
    records = opened(settings, folder, make_record(other))
    assert [record.name for record in records] == ["observatory", "observatory (2)"]
    assert 'label="observatory (2): Frames"' in index(records)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: folder / "nowhere", "which is no folder; give the output folder"),
        (lambda folder: folder.parent, "which holds no record"),
        (lambda folder: _write(folder, "record.parquet", b"PAR1 no table"), "is not a record's"),
        (lambda folder: _write(folder, ".record-journal.jsonl", b"{\n"), "is damaged"),
        (lambda folder: _write(folder, "calibration.json", b"[1]"), "does not hold limits"),
    ],
)
def test_a_record_that_is_none_is_told_in_a_sentence_at_start(settings, folder, spoil, said):
    with pytest.raises(HephaestusError, match=said):
        opened(settings, spoil(folder))


def _write(folder, name, content):
    (folder / name).write_bytes(content)
    return folder


def test_a_record_that_is_damaged_later_is_told_without_its_folder(settings, folder, monkeypatch):
    from page.records import kept_record
    from page.records.routes import routes

    monkeypatch.setattr(kept_record, "PAUSE", 0)
    client = TestClient(Starlette(routes=routes(opened(settings, folder))))
    assert client.get("/record/index").status_code == 200
    _write(folder, "record.parquet", b"PAR1 no table")
    answered = client.get("/record/index")
    assert answered.status_code == 503 and "cannot be read at the moment" in answered.text
    assert "/" not in answered.text


def test_a_new_record_has_no_answer_yet(settings, tmp_path):
    from page.records.timeline import index

    Record(tmp_path / "new")
    assert "holds no answer yet" in index(opened(settings, tmp_path / "new"))
