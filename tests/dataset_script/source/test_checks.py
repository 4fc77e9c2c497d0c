"""A cube against its annotations: every kind of disagreement is listed."""

import datetime
import json
import pickle
import shutil

import numpy as np
import pytest

from dataset_script.annotations.record import from_record
from dataset_script.cubes.minicube import Minicube
from dataset_script.problems import Problem, ProblemError, collecting
from dataset_script.source.checks import check_cube, check_pixels
from tests.cubes import FRAME, make_cube, make_records, write_cube

PAIR = datetime.date(2018, 1, 5), datetime.date(2018, 1, 29)


@pytest.fixture
def records():
    return make_records()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return write_cube(make_cube(), tmp_path_factory.mktemp("stored"))


def check(path, records, deep=True):
    annotations = [from_record(record) for record in records.values()]
    with Minicube.open(path) as cube:
        return check_cube(cube, annotations, deep)


def test_a_sound_cube_has_no_problems(stored, records):
    assert check(stored, records) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"caption": "Something else."}, "the cube says caption 'Pair 2 of"),
        ({"phase": "Rebound"}, "the cube says phase 'Unrest', the annotation 'Rebound'"),
        ({"confidence": 0.7}, "confidence"),
        ({"atmospheric_fringes": 3}, "the cube says atmospheric_fringes 1, the annotation 3"),
        ({"low_coherence": 1}, "the cube says low_coherence False, the annotation 1"),
        ({"segmentation_mask": [[0, 0, 300, 0, 300, 9]]}, "polygon 1 reaches 944 pixels off"),
        ({"segmentation_mask": [[-9, 0, 3, 0, 3, 9]]}, "polygon 1 reaches 30 pixels off"),
        (
            {"label": ["Non_Deformation"]},
            "the annotation says Non_Deformation, the mask has 80 pixels",
        ),
    ],
)
def test_differences_are_listed_with_frame_dates_and_id(stored, records, change, complaint):
    records["2"] |= change
    problems = check(stored, records)
    assert len(problems) == 1
    assert complaint in problems[0].what
    assert problems[0].frame_id == FRAME
    assert problems[0].pair == PAIR
    assert problems[0].unique_id == 2


def test_a_phase_in_numbers_is_a_difference_too(tmp_path, records):
    cube = make_cube()
    numbers = cube.phase.dims, np.ones(cube.phase.shape, "int32")
    problems = check(write_cube(cube.assign(phase=numbers), tmp_path), records)
    assert {problem.severity for problem in problems} == {"warning"} and len(problems) == 12
    assert problems[0].what == "the cube says phase 1, the annotation 'Rest'"


def test_an_empty_mask_of_a_positive_is_listed(tmp_path, records):
    cube = make_cube()
    cube.deformation_mask.values[0, 1] = 0
    path = write_cube(cube, tmp_path / "left out")
    left_out = [problem.what for problem in check(path, records)]
    assert left_out == ["chunk deformation_mask/0.1.0.0 is missing though the ground moved"]
    path = write_cube(cube, tmp_path / "there", mask_fill=-9999)
    there = [problem.what for problem in check(path, records)]
    assert there == ["the annotation says Deformation, the mask has 0 pixels"]


def test_an_earthquake_in_the_mask_alone_is_listed(stored, records):
    records["4"]["label"] = ["Deformation"]
    found = [problem.what for problem in check(stored, records)]
    assert found == ["the mask shows an earthquake, the annotation says Deformation"]


def test_pairs_on_one_side_only_are_listed(stored, records):
    del records["3"]
    records["9"]["secondary_date"] = "20200312"
    problems = check(stored, records, deep=False)
    alone = "the cube has this interferogram, but the annotations do not"
    assert [problem.severity for problem in problems] == ["warning", "warning", "error"]
    assert [(p.what, str(p.pair[1])) for p in problems] == [
        (f"{alone}; it is left out", "2018-02-10"),
        (f"{alone}; it is left out", "2020-03-13"),
        ("the interferogram is annotated, but the cube does not have it", "2020-03-12"),
    ]


def test_a_frame_without_annotations_and_a_misnamed_file_are_listed(stored, tmp_path, records):
    path = shutil.copytree(stored, tmp_path / "renamed.zarr")
    assert [p.what for p in check(path, records)] == [
        f"the cube says that it is frame {FRAME}, its name says renamed"
    ]
    for record in records.values():
        record["frameID"] = "elsewhere"
    assert [p.what for p in check(stored, records)] == ["there are no annotations of this frame"]


def test_a_missing_chunk_is_listed_without_decoding_and_a_bad_value_with(tmp_path, records):
    cube = make_cube()
    cube.insar_difference.values[0, 0, 3, 3] = np.inf
    path = write_cube(cube, tmp_path)
    (path / "insar_coherence" / "0.1.0.0").unlink()
    shallow, deep = check(path, records, deep=False), check(path, records)
    with Minicube.open(path) as opened:
        assert check_pixels(opened, from_record(records["5"]), deep=True) == []
    assert [p.what for p in shallow] == ["chunk insar_coherence/0.1.0.0 is missing"]
    assert [p.what.split(" has")[0] for p in deep] == [
        "insar_difference",
        "chunk insar_coherence/0.1.0.0 is missing",
    ]


def test_pixels_of_an_unusable_pair_are_not_looked_at(tmp_path, records):
    cube = make_cube()
    cube.insar_difference.values[0, 0, 3, 3] = np.inf
    cube.no_info.values[0, 0] = True
    records["1"]["no_info"] = 1
    assert check(write_cube(cube, tmp_path), records) == []


def test_a_problem_says_what_where_and_what_to_do():
    problem = Problem("it is broken", "mend it", "a.zarr", "frame", PAIR, 7)
    assert str(problem) == (
        "a.zarr, frame frame, 20180105_20180129, annotation 7: it is broken; mend it"
    )
    assert json.loads(json.dumps(problem.to_dict())) == {
        "severity": "error",
        "frame": "frame",
        "dates": ["20180105", "20180129"],
        "unique_id": 7,
        "file": "a.zarr",
        "what": "it is broken",
        "advice": "mend it",
    }
    assert str(Problem("it is broken")) == "it is broken"


def test_collecting_lists_problems_and_lets_other_errors_pass():
    problems = []
    with collecting(problems):
        raise ProblemError(Problem("one"))
    assert [problem.what for problem in problems] == ["one"]
    with pytest.raises(ProblemError, match="two"), collecting(None):
        raise ProblemError(Problem("two"))
    with pytest.raises(ZeroDivisionError), collecting(problems):
        _ = 1 / 0


def test_problems_survive_the_way_home_from_a_worker():
    error = ProblemError(Problem("it is broken", "mend it", "a.zarr", "frame", PAIR, 7))
    back = pickle.loads(pickle.dumps(error))
    assert back.problem == error.problem and str(back) == str(error)
