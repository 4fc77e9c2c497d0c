"""What `inspect` says of annotations alone, of cubes alone, of both, and of bad ones."""

import json
import shutil

import pytest

from dataset_script.__main__ import main
from dataset_script.annotations.record import from_record
from dataset_script.annotations.series import build_timeseries_record
from dataset_script.errors import DataError
from dataset_script.source.inspection import inspect
from dataset_script.source.report_text import report_text
from tests.cubes import FRAME, write_minicubes
from tests.data.made_up_annotations import FOLDER

OTHER = "012D_07075_080504"
LACKING = {
    274, 276, 278, 279, 2200, 2204, 9210, 9258,
    10259, 10260, 10261, 10262, 18846, 18854, 19492,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("minicubes")
    write_minicubes(root, (FRAME, OTHER), form="zip")
    return root


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def line(text, start):
    return next(row.split() for row in text.splitlines() if row.strip().startswith(start))


def test_the_real_annotations(annotations_dir):
    report = inspect(annotations_dir)
    assert {a.unique_id for a in report.missing} == LACKING
    assert report.surplus == () and report.problems == ()
    text = report_text(report)
    assert "38 frames, 0 cubes" in text
    assert "19919 annotations, 18926 usable; left out 993" in text
    assert line(text, "samples")[2::2] == ["T=1", "T=1", "T=3", "T=3"]
    for row in (
        "train 9840 (1143) 9604 (1091) 3327 (701) 3205 (621)",
        "validation 2570 (154) 2240 (115) 803 (75) 755 (61)",
        "test 6501 (509) 6501 (509) 2001 (225) 2001 (225)",
    ):
        assert line(text, row.split()[0] + " ") == row.split()
    assert "566 pairs with dates in two splits' periods" in text
    assert "strict 0" in text
    assert "lists 18911 pairs in 5498 groups; the annotations yield 18926 in 5499" in text
    assert "15 pairs missing from timeseries.json:" in text
    assert "012D_07075_080504  20210201_20210321  annotation 274" in text
    record = json.loads(report.to_json())
    assert record["counts"]["paper"]["ts3"]["train"] == {"samples": 3327, "positive": 701}
    assert len(record["missing_from_timeseries"]) == 15


def test_cubes_with_annotations(folder):
    report = inspect(folder, deep=True)
    text = report_text(report)
    assert "2 frames, 2 cubes" in text
    assert text.endswith("no problems found\n\nready to export")
    row = f"{FRAME} 40 x 56 0.00100 12 12 12 6 2018-01-05 .. 2020-04-18"
    assert line(text, FRAME) == row.split()
    assert line(text, "train") == ["train", "8", "(6)", "8", "(6)", "2", "(2)", "2", "(2)"]
    assert "no timeseries.json; the annotations yield 24 pairs in 6 groups" in text


def test_a_file_of_annotations_alone(folder):
    report = inspect(folder / "annotations.json")
    assert report.derived == (24, 6) and report.timeseries is None
    assert [frame.path for frame in report.frames] == ["", ""]
    assert report.verdict.startswith("not ready: put the cubes")


@pytest.mark.parametrize("place", [FOLDER, FOLDER / "annotations.json"])
def test_a_timeseries_file_beside_the_annotations_counts(place):
    report = inspect(place)
    assert report.timeseries == (83, 24) and report.derived == (84, 24)
    (missing,) = report.missing
    assert (missing.frame_id, str(missing.secondary_date)) == ("002D_00002_020202", "2018-05-24")
    text = report_text(report)
    for row in (
        "train 41 (9) 36 (8) 17 (8) 16 (7)",
        "validation 23 (4) 20 (3) 8 (4) 7 (3)",
        "test 19 (5) 19 (5) 7 (4) 7 (4)",
    ):
        assert line(text, row.split()[0] + " ") == row.split()
    assert "8 pairs with dates in two splits' periods" in text and "strict 0" in text
    assert "89 annotations, 84 usable; left out 5" in text


def test_a_single_cube_is_checked_against_any_form_of_annotations(copy):
    records = json.loads((copy / "annotations.json").read_text())
    (copy / "annotations.json").unlink()
    (copy / "annotations").mkdir()
    for number, record in records.items():
        (copy / "annotations" / f"{number}.json").write_text(json.dumps(record))
    assert [frame.annotated for frame in inspect(copy / f"{FRAME}.zarr.zip").frames] == [12]


def test_cubes_alone(copy):
    (copy / "annotations.json").unlink()
    report = inspect(copy)
    assert [(f.frame_id, f.pairs, f.annotated) for f in report.frames] == [
        (OTHER, 12, 0),
        (FRAME, 12, 0),
    ]
    assert report.counts == {} and "samples" not in report_text(report)
    assert report.verdict.startswith("not ready: put annotations.json beside")


def test_a_single_cube_is_checked_against_what_lies_beside_it(folder, tmp_path):
    report = inspect(folder / f"{FRAME}.zarr.zip")
    assert [(f.frame_id, f.annotated) for f in report.frames] == [(FRAME, 12)]
    records = json.loads((folder / "annotations.json").read_text())
    listed = build_timeseries_record({int(n): from_record(r) for n, r in records.items()})
    beside = shutil.copytree(folder, tmp_path / "beside")
    (beside / "timeseries.json").write_text(json.dumps(listed))
    report = inspect(beside / f"{FRAME}.zarr.zip")
    assert report.timeseries == report.derived == (12, 3) and report.problems == ()
    alone = shutil.copy(folder / f"{FRAME}.zarr.zip", tmp_path)
    assert [f.annotated for f in inspect(alone).frames] == [0]


def test_columns_are_aligned(folder):
    rows = report_text(inspect(folder)).splitlines()
    start = next(i for i, row in enumerate(rows) if row.strip().startswith("frame "))
    assert len({len(row) for row in rows[start : start + 3]}) == 1


def test_the_difference_to_a_given_timeseries_file_is_named(copy):
    records = json.loads((copy / "annotations.json").read_text())
    listed = build_timeseries_record({int(n): from_record(r) for n, r in records.items()})
    group = listed[FRAME]["20190704"]
    group["length"] -= 1
    dropped = group["uniqueID"].pop(), group["secondary_date"].pop()
    (copy / "timeseries.json").write_text(json.dumps(listed))
    records["1"]["no_info"] = 1
    (copy / "annotations.json").write_text(json.dumps(records))
    report = inspect(copy)
    assert [a.unique_id for a in report.missing] == [dropped[0]]
    assert [a.unique_id for a in report.surplus] == [1]
    assert f"20190704_{dropped[1]}" in report_text(report)
    assert "1 pair listed though not usable" in report_text(report)


def test_everything_wrong_is_listed_and_the_rest_still_reported(copy):
    records = json.loads((copy / "annotations.json").read_text())
    records["2"]["caption"] = "Not what the cube says."
    records["3"]["phase"] = "Furious"
    (copy / "annotations.json").write_text(json.dumps(records))
    (copy / "timeseries.json").write_text("{")
    broken = copy / f"{OTHER}.zarr.zip"
    broken.write_bytes(broken.read_bytes()[:5000])
    report = inspect(copy)
    said = [str(problem) for problem in report.problems]
    for part in ("annotation 3: phase must be", "caption", "truncated", "malformed JSON"):
        assert any(part in problem for problem in said), part
    assert any("but the annotations do not" in problem for problem in said)
    assert len(report.frames) == 2
    text = report_text(report)
    assert len(report.errors) == 3 and len(report.warnings) == 2
    assert "3 errors:" in text and "2 warnings:" in text
    assert text.splitlines()[-1].startswith("not ready: correct the errors")
    assert len(json.loads(report.to_json())["problems"]) == len(said)


def test_nothing_to_inspect_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there are no annotations"):
        inspect(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        inspect(tmp_path / "nowhere")
    (tmp_path / "annotations.json").write_text("[")
    with pytest.raises(DataError, match="malformed JSON at line 1"):
        inspect(tmp_path)


def test_the_command_prints_and_exits_with_1_where_something_is_wrong(copy, capsys):
    main(["inspect", str(copy), "--deep"])
    assert "no problems found" in capsys.readouterr().out
    main(["inspect", str(copy), "--json"])
    assert json.loads(capsys.readouterr().out)["problems"] == []
    (copy / f"{OTHER}.zarr.zip").write_bytes(b"")
    with pytest.raises(SystemExit) as stop:
        main(["inspect", str(copy)])
    assert stop.value.code == 1
    assert "1 error:" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["inspect", str(copy / "nowhere")])
    assert "error: " in capsys.readouterr().err
