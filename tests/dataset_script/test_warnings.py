"""Differences between a cube and its annotations that are harmless: listed, and nothing is lost."""

import json

import numpy as np
import pytest
from pyarrow import parquet

from dataset_script.__main__ import main
from dataset_script.source.inspection import inspect
from tests.cubes import FRAME, make_cube, make_records, write_cube
from tests.dataset_script.exporting import SIZE

PAIRS = [(p, s) for p in range(3) for s in range(4 * p, 4 * p + 4)]
"""Where the twelve interferograms lie in the cube, in the order of their ids."""


def says(name, value):
    def change(cube, place, record):
        cube[name].values[place] = value

    return change


def caption_with_a_space(cube, place, record):
    cube.caption.values[place] = f"{record['caption']} "


def polygon_over_the_edge(cube, place, record):
    record["segmentation_mask"] = [[-9.0, 0.0, 3.0, 0.0, 3.0, 9.0]]


def earthquake_in_the_mask(cube, place, record):
    mask = cube.deformation_mask.values[place]
    mask[mask > 0] = 2


def without_annotation(cube, place, record):
    cube.valid_date_pair.values[0, 8] = True


def backwards(cube, place, record):
    cube.valid_date_pair.values[2, 0] = True


def another_name(cube, place, record):
    cube.attrs["frame_id"] = "Sierra Negra"


def missing_pixel(name):
    def change(cube, place, record):
        cube[name].values[(*place, 30, 40)] = np.nan

    return change


# By the annotation that each concerns; the groups of 5..8 do not deform.
HARMLESS = {
    1: (caption_with_a_space, "caption"),
    2: (says("confidence", 0.65), "confidence"),
    3: (polygon_over_the_edge, "polygon 1 reaches 30 pixels off the frame"),
    4: (says("unique_id", "7"), "unique_id"),
    # Its masks are empty, so their chunks are not stored.
    5: (says("phase", "Unrest"), "phase 'Unrest', the annotation 'Rest'"),
    6: (says("atmospheric_fringes", 3), "atmospheric_fringes"),
    7: (says("low_coherence", True), "low_coherence"),
    8: (says("corrupted", True), "corrupted"),
    9: (says("processing_error", True), "processing_error"),
    10: (earthquake_in_the_mask, "an earthquake, the annotation says Deformation"),
    11: (without_annotation, "the annotations do not; it is left out"),
    12: (missing_pixel("insar_difference"), "1 pixels of insar_difference are missing"),
}
MORE = {
    1: (says("is_crowd", True), "is_crowd"),
    2: (says("caption", ""), "caption"),
    3: (says("glacier_fringes", 2), "glacier_fringes"),
    4: (says("orbital_fringes", 5), "orbital_fringes"),
    5: (says("no_info", True), "no_info"),
    6: (backwards, "must lie before the secondary"),
    7: (another_name, "the cube says that it is frame Sierra Negra"),
    8: (missing_pixel("insar_coherence"), "1 pixels of insar_coherence are missing"),
}


def write(folder, changes):
    records = make_records()
    cube = make_cube(records)
    for number, (change, _) in changes.items():
        change(cube, PAIRS[number - 1], records[str(number)])
    name, cube.attrs["frame_id"] = cube.attrs["frame_id"], FRAME
    path = write_cube(cube, folder)
    attributes = json.loads((path / ".zattrs").read_text())
    (path / ".zattrs").write_text(json.dumps(attributes | {"frame_id": name}))
    metadata = json.loads((path / ".zmetadata").read_text())
    metadata["metadata"][".zattrs"]["frame_id"] = name
    (path / ".zmetadata").write_text(json.dumps(metadata))
    (folder / "annotations.json").write_text(json.dumps(records))
    return records


@pytest.mark.parametrize("changes", [HARMLESS, MORE], ids=["twelve", "more"])
def test_harmless_differences_are_counted_and_drop_nothing(tmp_path, capsys, changes):
    cubes = tmp_path / "cubes"
    records = write(cubes, changes)
    command = ["export", str(cubes), str(tmp_path), "--config", "ts1", "--config", "ts3"]
    main([*command, "--image-size", str(SIZE), "--no-preview"])
    folder = tmp_path / "hephaestus-minicubes"
    assert f"{len(changes)} warnings, 0 errors set aside" in capsys.readouterr().out

    listed = json.loads((folder / "problems.json").read_text())
    assert listed["set_aside"] == [] and len(listed["warnings"]) == len(changes)
    for _, said in changes.values():
        (found,) = [warning for warning in listed["warnings"] if said in warning["what"]]
        assert found["severity"] == "warning"
    assert f"In {len(changes)} places a cube differs" in (folder / "README.md").read_text()

    rows = [
        row
        for file in sorted((folder / "data" / "ts1").glob("*.parquet"))
        for row in parquet.read_table(file, columns=["unique_ids", "captions"]).to_pylist()
    ]
    # The annotations win.
    assert {row["unique_ids"][0]: row["captions"][0] for row in rows} == {
        record["uniqueID"]: record["caption"] for record in records.values()
    }
    main(["inspect", str(cubes), "--deep"])
    text = capsys.readouterr().out
    assert f"{len(changes)} warnings:" in text and text.endswith("\n\nready to export\n")


def test_a_look_without_pixels_is_ready_too(tmp_path):
    write(tmp_path, HARMLESS)
    report = inspect(tmp_path)
    assert report.errors == [] and report.verdict == "ready to export"
    assert len(report.warnings) == 10  # two show in the pixels alone
