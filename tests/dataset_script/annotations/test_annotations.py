"""Reading the expert annotations in all their forms, and refusing malformed ones."""

import datetime
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_script.annotations.reading import read_annotations, read_frame_names
from dataset_script.annotations.record import Annotation, from_record, to_record
from dataset_script.errors import DataError
from dataset_script.labels import ACTIVITY_TYPES, FLAGS, INTENSITY_LEVELS, LABELS, PHASES
from tests.cubes import FRAME, make_records


@pytest.fixture
def records():
    return make_records()


def test_every_form_reads_the_same(records, tmp_path):
    whole = tmp_path / "whole" / "annotations.json"
    whole.parent.mkdir()
    whole.write_text(json.dumps(records))
    (whole.parent / "timeseries.json").write_text("{}")
    single = tmp_path / "annotations"
    single.mkdir()
    for number, record in records.items():
        (single / f"{number}.json").write_text(json.dumps(record))
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as archive:
        archive.add(single, "annotations")
    expected = {int(number): from_record(record) for number, record in records.items()}
    for form in (whole, whole.parent, single, tmp_path, tmp_path / "packed.tar.gz"):
        found = read_annotations(form)
        assert found == expected
        assert list(found) == sorted(found)


def test_records_survive_the_round_trip(annotations_dir):
    real = json.loads((annotations_dir / "annotations.json").read_text())
    found = read_annotations(annotations_dir)
    assert {str(number): to_record(a) for number, a in found.items()} == real
    assert len(found) == 19919
    assert sum(a.usable for a in found.values()) == 18926
    assert sum(a.positive for a in found.values()) == 1819


@given(
    st.builds(
        Annotation,
        unique_id=st.integers(0, 2**63 - 1),
        frame_id=st.text(),
        primary_date=st.dates(datetime.date(2014, 1, 1), datetime.date(2017, 1, 1)),
        secondary_date=st.dates(datetime.date(2017, 1, 2), datetime.date(2021, 1, 1)),
        labels=st.sampled_from([(LABELS[0],), (LABELS[1],), LABELS[1:]]),
        activity_types=st.lists(st.sampled_from(ACTIVITY_TYPES)).map(tuple),
        intensity_levels=st.lists(st.sampled_from(INTENSITY_LEVELS)).map(tuple),
        phase=st.sampled_from(PHASES),
        confidence=st.floats(0, 1),
        segmentation_mask=st.lists(
            st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6).map(tuple), max_size=2
        ).map(tuple),
        caption=st.text(),
        **{flag: st.integers(0, 3) for flag in FLAGS},
    )
)
def test_any_annotation_survives_json(annotation):
    assert from_record(json.loads(json.dumps(to_record(annotation)))) == annotation


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"label": ["Deformed"]}, "label must be a list"),
        ({"label": []}, "label must be Non_Deformation alone"),
        ({"label": ["Non_Deformation", "Deformation"]}, "label must be Non_Deformation alone"),
        ({"primary_date": "2018-01-05"}, "YYYYMMDD"),
        ({"primary_date": "20181305"}, "YYYYMMDD"),
        ({"primary_date": "20300101"}, "primary before the secondary"),
        ({"phase": "Angry"}, "phase must be one of"),
        ({"confidence": 7}, "confidence"),
        ({"corrupted": "no"}, "corrupted"),
        ({"segmentation_mask": [[1.0, 2.0, 3.0]]}, "polygons"),
        ({"segmentation_mask": [1.0, 2.0]}, "polygons"),
        ({"segmentation_mask": [[0, 0, 1, 1, float("nan"), 2]]}, "polygons"),
        ({"caption": None}, "caption"),
        ({"frameID": 3}, "frameID"),
        ({"caption": "half a \ud83c"}, "caption must be a text"),
        ({"activity_type": "Sill"}, "activity_type must be a list"),
    ],
)
def test_a_bad_field_is_named(records, change, complaint, tmp_path):
    records["3"] |= change
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(records))
    with pytest.raises(DataError, match=complaint) as error:
        read_annotations(path)
    assert str(path) in str(error.value) and "annotation 3" in str(error.value)
    problems = []
    kept = read_annotations(path, problems)
    assert set(kept) == {int(number) for number in records} - {3}
    assert [problem.unique_id for problem in problems] == [3]


@pytest.mark.parametrize("number", [2**63, -1, [3], True, "3", 3.0, None])
def test_a_unique_id_is_a_whole_number_of_at_most_63_bits(records, tmp_path, number):
    records["3"]["uniqueID"] = number
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(records))
    with pytest.raises(DataError, match=f"frame {FRAME}.*: uniqueID must be a whole number"):
        read_annotations(path)
    problems = []
    assert len(read_annotations(path, problems)) == 11 and len(problems) == 1


def test_a_missing_field_is_named(records, tmp_path):
    del records["2"]["phase"]
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(records))
    with pytest.raises(DataError, match="annotation 2: the annotation lacks phase"):
        read_annotations(path)


def test_a_duplicate_pair_is_named_with_frame_and_dates(records, tmp_path):
    records["99"] = records["3"] | {"uniqueID": 99}
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(records))
    with pytest.raises(DataError, match="106A_09090_000404, 20180105_20180210, annotation 99: dup"):
        read_annotations(path)
    records["99"] = records["3"]
    path.write_text(json.dumps(records))
    with pytest.raises(DataError, match="unique id"):
        read_annotations(path)


def test_malformed_json_is_named_with_its_position(tmp_path):
    path = tmp_path / "annotations.json"
    path.write_text('{"1": {"uniqueID": 1,\n  oops}}')
    with pytest.raises(DataError, match=r"annotations.json: malformed JSON at line 2, column 3"):
        read_annotations(path)
    path.write_text(f'{{"1": {"9" * 5000}}}')
    with pytest.raises(DataError, match="a number has thousands of digits"):
        read_annotations(path)
    path.write_text(100_000 * "[")
    with pytest.raises(DataError, match="nested too deeply"):
        read_annotations(path)
    path.write_bytes(b'{"1": "\xff"}')
    with pytest.raises(DataError, match="not UTF-8 at byte 7"):
        read_annotations(path)


def test_one_malformed_file_of_a_folder_can_be_set_aside(records, tmp_path):
    for number, record in records.items():
        (tmp_path / f"{number}.json").write_text(json.dumps(record))
    (tmp_path / "2.json").write_text("{")
    problems = []
    assert len(read_annotations(tmp_path, problems)) == len(records) - 1
    assert "2.json" in str(problems[0])
    with pytest.raises(DataError, match=r"2\.json"):
        read_annotations(tmp_path)


def test_a_damaged_archive_and_an_empty_folder_are_errors(records, tmp_path):
    (tmp_path / "1.json").write_text(json.dumps(records["1"]))
    archive = tmp_path / "annotations.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "1.json", "annotations/1.json")
    archive.write_bytes(archive.read_bytes()[:100])
    with pytest.raises(DataError, match="damaged archive"):
        read_annotations(archive)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="there are no annotations"):
        read_annotations(empty)
    with pytest.raises(DataError, match="no such file"):
        read_annotations(tmp_path / "nowhere")


def test_frame_names(annotations_dir, tmp_path):
    names = read_frame_names(annotations_dir)
    assert len(names) == 38
    assert names["106A_09090_000404"] == ("Cerro Azul", "Sierra Negra")
    assert read_frame_names(tmp_path) == {}
    (tmp_path / "frame_names.json").write_text("[]")
    with pytest.raises(DataError, match=r"frame_names\.json"):
        read_frame_names(tmp_path)
