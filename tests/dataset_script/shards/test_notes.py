"""What is written anew when an export runs again: notes that are damaged, shards that changed."""

import json
import os
import time

import pytest
import zarr
from datasets import load_dataset

from dataset_script.export import export
from tests.cubes import FRAME
from tests.dataset_script.exporting import SIZE, make_cubes, tree

OPTIONS = {"image_size": SIZE, "channels": ["dem"], "preview": False, "progress": False}


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    return make_cubes(tmp_path_factory.mktemp("cubes"), frames=(FRAME,))


def more_rows(text):
    digest, _, report = text.partition("\n")
    return f"{digest}\n{json.dumps(json.loads(report) | {'samples': 7})}"


@pytest.mark.parametrize(
    "damage",
    [lambda text: "", lambda text: "{", lambda text: "[]", lambda text: text[:-9], more_rows],
    ids=["empty", "bracket", "list", "truncated", "another count"],
)
def test_a_damaged_note_costs_one_shard_and_nothing_else(cubes, tmp_path, damage):
    folder = export(cubes, tmp_path, ["ts1"], **OPTIONS)
    whole, notes = tree(folder), tmp_path / ".hephaestus-minicubes.export"
    note = sorted(notes.glob("ts1/*.json"))[0]
    sound = note.read_text()
    note.write_text(damage(sound))
    export(cubes, tmp_path, ["ts1"], **OPTIONS)
    assert tree(folder) == whole and note.read_text() == sound


def test_a_shard_that_someone_edited_is_written_again(cubes, tmp_path):
    folder = export(cubes, tmp_path, ["ts1"], **OPTIONS)
    whole = tree(folder)
    shard = sorted(folder.glob("data/ts1/*.parquet"))[0]
    content = bytearray(shard.read_bytes())
    content[200] ^= 1
    time.sleep(0.02)  # a clock tick after the note
    shard.write_bytes(content)
    export(cubes, tmp_path, ["ts1"], **OPTIONS)
    assert tree(folder) == whole


def test_a_shard_that_was_only_touched_stays(cubes, tmp_path):
    folder = export(cubes, tmp_path, ["ts1"], **OPTIONS)
    shard = sorted(folder.glob("data/ts1/*.parquet"))[0]
    os.utime(shard, (2e9, 2e9))
    export(cubes, tmp_path, ["ts1"], **OPTIONS)
    assert shard.stat().st_mtime == 2e9


@pytest.mark.parametrize("form", ["parquet", "arrow", "webdataset"])
def test_other_pixels_make_another_card_so_that_no_cache_is_stale(tmp_path, form):
    """`datasets` knows a local folder by its card alone."""
    cubes = make_cubes(tmp_path / "cubes", frames=(FRAME,))
    options = {"image_size": SIZE, "format": form, "progress": False}
    rows = []
    for height in (5.0, 6.0):
        zarr.open_group(cubes / f"{FRAME}.zarr")["dem"][:] = height
        folder = export(cubes, tmp_path, ["ts1"], overwrite=True, **options)
        data = load_dataset(str(folder), "ts1", split="train", cache_dir=str(tmp_path / "cache"))
        row = data.with_format("numpy")[0]
        rows.append(row["image.pth"][2] if form == "webdataset" else row["dem"])
    assert [(float(found.min()), float(found.max())) for found in rows] == [(5, 5), (6, 6)]
