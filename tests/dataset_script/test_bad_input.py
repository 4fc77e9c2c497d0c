"""Each kind of bad input: one clear error, or set aside and listed."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
import zarr
from datasets import load_dataset

from dataset_script.__main__ import main
from dataset_script.errors import DataError
from dataset_script.export import export
from tests.cubes import FRAME, make_cube, write_minicubes
from tests.dataset_script.exporting import SECOND, SIZE, make_cubes

CHUNK = "0.1.0.0"  # 20180105_20180129: in train, with deformation


def set_pixel(name, value):
    def change(cubes):
        zarr.open_group(cubes / f"{FRAME}.zarr")[name][0, 1, 3, 4] = value

    return change


def rewrite_annotations(cubes, change):
    path = cubes / "annotations.json"
    records = json.loads(path.read_text())
    change(records)
    path.write_text(json.dumps(records))


def lose_chunk(cubes):
    (cubes / f"{FRAME}.zarr" / "insar_difference" / CHUNK).unlink()


def damage_chunk(cubes):
    chunk = cubes / f"{FRAME}.zarr" / "insar_coherence" / CHUNK
    chunk.write_bytes(chunk.read_bytes()[:40])


def lose_pair(cubes):
    zarr.open_group(cubes / f"{FRAME}.zarr")["valid_date_pair"][0, 1] = False


def nothing_moved(cubes):
    quiet = {"label": ["Non_Deformation"], "activity_type": [], "segmentation_mask": []}
    rewrite_annotations(cubes, lambda records: records["2"].update(quiet))


def empty_mask(cubes):
    zarr.open_group(cubes / f"{FRAME}.zarr")["deformation_mask"][0, 1] = 0
    chunk = cubes / f"{FRAME}.zarr" / "deformation_mask" / CHUNK
    assert not chunk.exists()


def repeat_pair(cubes):
    rewrite_annotations(cubes, lambda r: r.update({"999": {**r["2"], "uniqueID": 999}}))


def malformed_record(cubes):
    rewrite_annotations(cubes, lambda records: records["2"].update(label=["Landslide"]))


PAIR_PROBLEMS = {
    "missing chunk": (lose_chunk, "is missing"),
    "damaged chunk": (damage_chunk, "insar_coherence"),
    "infinite": (set_pixel("insar_difference", np.inf), "NaN or infinite"),
    "a mask of what did not move": (nothing_moved, "the mask has 80 pixels"),
    "no mask of what moved": (empty_mask, "missing though the ground moved"),
    "out of range": (set_pixel("insar_difference", 7.0), "outside"),
    "coherence scale": (set_pixel("insar_coherence", 300.0), "not 0..255"),
    "coherence fraction": (set_pixel("insar_coherence", 0.5), "not whole-numbered"),
    "not in the cube": (lose_pair, "the cube does not have it"),
    "duplicate": (repeat_pair, "duplicate pair"),
    "malformed": (malformed_record, "label must be a list"),
}


@pytest.mark.parametrize(("spoiling", "said"), PAIR_PROBLEMS.values(), ids=PAIR_PROBLEMS)
def test_bad_pair_stops_the_export_or_is_set_aside(spoiling, said, tmp_path, capsys):
    cubes = make_cubes(tmp_path / "cubes", frames=(FRAME,))
    spoiling(cubes)
    command = ["export", str(cubes), str(tmp_path), "--config", "ts1", "--image-size", str(SIZE)]
    command += ["--no-preview"]
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert stopped.value.code == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and said in error
    assert FRAME in error and "; " in error  # where, and what to do
    assert "2018" in error or "annotation" in error

    main([*command, "--skip-bad"])
    folder = tmp_path / "hephaestus-minicubes"
    listed = json.loads((folder / "problems.json").read_text())["set_aside"]
    assert any(said in problem["what"] for problem in listed)
    assert "## Set aside" in (folder / "README.md").read_text()
    rows = load_dataset(str(folder), "ts1", split="train", cache_dir=str(tmp_path / "cache"))
    kept = 4 if spoiling is repeat_pair else 3
    assert len(rows) == kept
    if kept == 3:
        assert f"{FRAME}/20180105/20180129" not in rows["sample_id"]


FRAME_PROBLEMS = {
    "truncated archive": "truncated or damaged",
    "no annotations of the frame": "no annotations",
    "wrong dims": "dim",
}


@pytest.mark.parametrize("kind", FRAME_PROBLEMS)
def test_bad_frame_stops_the_export_or_is_set_aside(kind, tmp_path):
    form = "zip" if kind == "truncated archive" else "directory"
    cubes = make_cubes(tmp_path / "cubes", form=form)
    path = cubes / f"{FRAME}.zarr"
    if kind == "truncated archive":
        archive = cubes / f"{FRAME}.zarr.zip"
        archive.write_bytes(archive.read_bytes()[:-500])
    elif kind == "no annotations of the frame":
        own = {str(i) for i in range(1, 13)}
        rewrite_annotations(cubes, lambda records: [records.pop(key) for key in own])
    else:
        shutil.rmtree(path)
        make_cube().rename(latitude="y").to_zarr(path, zarr_format=2)
    with pytest.raises(DataError, match=FRAME_PROBLEMS[kind]) as stopped:
        export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    assert FRAME in str(stopped.value)
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, skip_bad=True, progress=False)
    listed = json.loads((folder / "problems.json").read_text())["set_aside"]
    assert any(FRAME_PROBLEMS[kind] in problem["what"] for problem in listed)
    rows = load_dataset(str(folder), "ts1", split="train", cache_dir=str(tmp_path / "cache"))
    assert set(rows["frame_id"]) == {SECOND}


def test_a_group_goes_on_without_its_bad_pair(tmp_path):
    cubes = make_cubes(tmp_path / "cubes")
    lose_chunk(cubes)
    folder = export(cubes, tmp_path, ["ts3"], image_size=SIZE, skip_bad=True, progress=False)
    rows = load_dataset(str(folder), "ts3", split="train", cache_dir=str(tmp_path / "cache"))
    assert sorted(rows["sample_id"]) == [
        f"{SECOND}/20180105/20180117-20180129-20180210",
        f"{FRAME}/20180105/20180117-20180210-20180222",
    ]


def test_frame_smaller_than_the_crop(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(FRAME,))
    with pytest.raises(DataError, match=r"40 x 56 pixels.*image size to 40 or less"):
        export(cubes, tmp_path, ["ts1"], image_size=64, progress=False)
    with pytest.raises(DataError, match="every interferogram was set aside"):
        export(cubes, tmp_path, ["ts1"], image_size=64, skip_bad=True, progress=False)


def test_differences_are_listed_but_keep_nothing_out(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(FRAME,))
    rewrite_annotations(cubes, lambda records: records["2"].update(caption="Something else."))
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    listed = json.loads((folder / "problems.json").read_text())
    assert listed["set_aside"] == []
    assert [problem["unique_id"] for problem in listed["warnings"]] == [2]
    assert "In 1 place a cube differs" in (folder / "README.md").read_text()


def test_ids_may_have_more_than_32_bits(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(FRAME,))
    rewrite_annotations(cubes, lambda records: records["2"].update(uniqueID=2**40))
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, channels=["dem"], progress=False)
    rows = load_dataset(str(folder), "ts1", split="train", cache_dir=str(tmp_path / "cache"))
    assert [2**40] in rows["unique_ids"]


def test_nothing_to_export(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        export(tmp_path / "nowhere", tmp_path, progress=False)
    with pytest.raises(DataError, match=r"no minicubes here.*synthesize"):
        export(tmp_path, tmp_path, progress=False)


def test_annotations_may_lie_elsewhere_and_cover_more_frames(tmp_path):
    write_minicubes(tmp_path / "all", (FRAME, SECOND))
    cubes = tmp_path / "cubes"
    cubes.mkdir()
    (tmp_path / "all" / f"{FRAME}.zarr").rename(cubes / f"{FRAME}.zarr")
    folder = export(
        cubes,
        tmp_path,
        ["ts1"],
        image_size=SIZE,
        annotations=tmp_path / "all" / "annotations.json",
        progress=False,
    )
    rows = load_dataset(str(folder), "ts1", split="train", cache_dir=str(tmp_path / "cache"))
    assert set(rows["frame_id"]) == {FRAME}
    assert not (folder / "problems.json").exists()


def test_what_was_set_aside_is_met_again_without_skip_bad(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(FRAME,))
    lose_chunk(cubes)
    export(cubes, tmp_path, ["ts1"], image_size=SIZE, skip_bad=True, progress=False)
    with pytest.raises(DataError, match="is missing"):
        export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)


def test_integer_masks_with_a_fill_value_keep_their_classes(tmp_path):
    write_minicubes(tmp_path / "cubes", mask_fill=-1)
    export(tmp_path / "cubes", tmp_path, ["ts1"], image_size=SIZE, progress=False)
    rows = load_dataset(
        str(tmp_path / "hephaestus-minicubes"), "ts1", cache_dir=str(tmp_path / "cache")
    ).with_format("numpy")
    truth = xr.open_zarr(tmp_path / "cubes" / f"{FRAME}.zarr")["deformation_mask"]
    classes = set()
    for row in (row for split in rows.values() for row in split):
        top, left, size, _ = row["window"]
        pair = truth.sel(
            primary_date=row["primary_date"].astype("datetime64[ns]"),
            secondary_date=row["secondary_dates"][0].astype("datetime64[ns]"),
        ).values[top : top + size, left : left + size]
        np.testing.assert_array_equal(row["deformation_mask"][0], pair)
        classes |= set(np.unique(row["deformation_mask"]).tolist())
    assert classes == {0, 1, 2}
