import json

import numpy as np
import pytest
import yaml
from datasets import load_dataset
from pyarrow import parquet

from dataset_script.channels import CHANNELS, MASKS
from dataset_script.errors import ConfigError
from dataset_script.export import export
from dataset_script.rows.recipe import Recipe
from dataset_script.shards.writers import GROUP_BYTES
from tests.cubes import FRAME, make_cube, make_records
from tests.dataset_script.exporting import SECOND, SIZE, make_cubes, run_clean, tree


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    return make_cubes(tmp_path_factory.mktemp("cubes"))


@pytest.fixture(scope="module")
def out(cubes, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    names = ("ts1", "ts3", "groups")
    export(cubes, out, names, image_size=SIZE, progress=False)
    return out


@pytest.fixture(scope="module")
def arrow(cubes, tmp_path_factory):
    out = tmp_path_factory.mktemp("arrow")
    options = {"image_size": SIZE, "format": "arrow", "preview": False, "progress": False}
    export(cubes, out, ("ts3", "groups"), **options)
    return out


def load(out, config, split, tmp_path):
    folder = str(out / "hephaestus-minicubes")
    return load_dataset(folder, config, split=split, cache_dir=str(tmp_path)).with_format("numpy")


@pytest.mark.parametrize("form", ["out", "arrow"], ids=["parquet", "arrow"])
@pytest.mark.parametrize("config", ["ts3", "groups"])
def test_every_pixel_is_the_cubes_own(config, form, request, tmp_path):
    out = request.getfixturevalue(form)
    truth = {name: make_cube(make_records(name, 1 + 100 * i), name, i) for i, name in frames()}
    seen = 0
    for split in ("train", "validation", "test"):
        for row in load(out, config, split, tmp_path):
            cube = truth[row["frame_id"]]
            top, left, height, width = row["window"]
            assert (height, width) == (SIZE, SIZE)
            window = cube.isel(
                latitude=slice(top, top + SIZE), longitude=slice(left, left + SIZE)
            ).sel(primary_date=row["primary_date"].astype("datetime64[ns]"))
            for step, date in enumerate(row["secondary_dates"]):
                pair = window.sel(secondary_date=np.datetime64(date, "ns"))
                for name in (*(channel.name for channel in CHANNELS), *MASKS):
                    stored = row[name][step] if row[name].ndim == 3 else row[name]
                    np.testing.assert_array_equal(stored, pair[name].values, err_msg=name)
                seen += 1
            edges = window.longitude.values, window.latitude.values
            west, south, east, north = row["bounds"]
            np.testing.assert_allclose([west, east], edges[0][[0, -1]] + [-0.0005, 0.0005])
            np.testing.assert_allclose([south, north], edges[1][[-1, 0]] + [-0.0005, 0.0005])
            np.testing.assert_allclose(row["pixel_size"], 0.001)
            assert row["crs"] == "EPSG:4326"
    assert seen == 2 * 3 * {"ts3": 3, "groups": 4}[config]


def frames():
    return enumerate((FRAME, SECOND))


def test_annotations_come_through(out, tmp_path):
    records = {r["uniqueID"]: r for r in make_records().values()}
    rows = (
        load(out, "ts1", "train", tmp_path)
        .with_format(None)
        .select_columns(
            [
                "unique_ids",
                "label",
                "labels",
                "captions",
                "phases",
                "segmentation_mask",
                "confidence",
                "orbital_fringes",
                "activity_types",
                "volcanoes",
                "frame_id",
                "secondary_dates",
            ]
        )
    )
    mine = [row for row in rows if row["frame_id"] == FRAME]
    assert len(mine) == 4
    for row in mine:
        record = records[row["unique_ids"][0]]
        assert row["label"] == ("Non_Deformation" not in record["label"])
        assert rows.features["labels"].feature.feature.int2str(row["labels"][0]) == record["label"]
        assert row["captions"] == [record["caption"]]
        assert rows.features["phases"].feature.int2str(row["phases"]) == [record["phase"]]
        np.testing.assert_allclose(row["segmentation_mask"], [record["segmentation_mask"]], 1e-6)
        assert row["confidence"] == pytest.approx([record["confidence"]])
        assert row["orbital_fringes"] == [record["orbital_fringes"]]
        assert f"{row['secondary_dates'][0]:%Y%m%d}" == record["secondary_date"]
        assert row["volcanoes"] == ["Volcano 0"]


def test_plain_datasets_loads_it_where_our_code_is_not(out, tmp_path):
    found = run_clean(
        """
from datasets import load_dataset
one = load_dataset("hephaestus-minicubes", "ts1")
row = load_dataset("hephaestus-minicubes", split="test").with_format("numpy")[0]
streamed = load_dataset("hephaestus-minicubes", "ts3", streaming=True)
picture = load_dataset("hephaestus-minicubes", "preview", split="train")[0]
print(json.dumps({
    "splits": {name: len(split) for name, split in one.items()},
    "default": [str(row["insar_difference"].dtype), row["insar_difference"].shape],
    "streamed": [len(list(streamed[name])) for name in streamed],
    "picture": [picture["phase"].size, picture["captions"][0][:4]],
    "ours": [name for name in sys.modules if name.startswith("dataset_script")],
}))
""",
        out,
        tmp_path,
    )
    assert found == {
        "splits": {"train": 8, "validation": 8, "test": 8},
        "default": ["float32", [3, SIZE, SIZE]],
        "streamed": [2, 2, 2],
        "picture": [[3 * SIZE, SIZE], "Pair"],
        "ours": [],
    }


def test_parquet_is_laid_out_for_the_viewer(out):
    for path in (out / "hephaestus-minicubes/data/ts3").glob("*.parquet"):
        metadata = parquet.ParquetFile(path).metadata
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            columns = [group.column(i) for i in range(group.num_columns)]
            assert group.total_byte_size <= GROUP_BYTES
            assert all(column.compression == "ZSTD" for column in columns)
            assert all(column.has_offset_index for column in columns)
            phase = next(c for c in columns if c.path_in_schema.startswith("insar_difference"))
            assert "BYTE_STREAM_SPLIT" in phase.encodings


def test_parameters_are_in_metadata_and_card(out):
    folder = out / "hephaestus-minicubes"
    metadata = json.loads((folder / "metadata.json").read_text())
    facts = metadata["configs"]["ts3"]
    assert facts["timeseries_length"] == 3
    assert facts["channels"] == [channel.name for channel in CHANNELS]
    assert facts["counts"]["train"] == {"samples": 2, "positives": 2}
    card = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert [entry["config_name"] for entry in card["configs"] if entry.get("default")] == ["ts3"]
    for entry in card["configs"]:
        for files in entry["data_files"]:
            assert all((folder / path).is_file() for path in files["path"])
    info = next(info for info in card["dataset_info"] if info["config_name"] == "ts3")
    assert {s["name"]: s["num_examples"] for s in info["splits"]} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }


@pytest.fixture(scope="module")
def alone(cubes, tmp_path_factory):
    """What one process writes."""
    out = tmp_path_factory.mktemp("alone")
    return tree(export(cubes, out, ["ts3"], image_size=SIZE, progress=False))


def test_bytes_do_not_depend_on_workers_or_on_how_cubes_are_packed(alone, tmp_path):
    packed = make_cubes(tmp_path / "packed", form="zip")
    folder = export(packed, tmp_path, ["ts3"], image_size=SIZE, workers=2, progress=False)
    assert tree(folder) == alone


def test_dask_cluster_writes_the_same_bytes(alone, cubes, tmp_path):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with distributed.LocalCluster(
        n_workers=2, processes=False, protocol="tcp://", dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        folder = export(cubes, tmp_path, ["ts3"], image_size=SIZE, dask=address, progress=False)
    assert tree(folder) == alone


def test_a_second_run_writes_nothing_and_other_parameters_are_refused(cubes, tmp_path):
    options = {"channels": ["dem"], "preview": False, "progress": False}
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, **options)
    shards = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    export(cubes, tmp_path, ["ts1"], image_size=SIZE, **options)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == shards
    with pytest.raises(ConfigError, match=r"other parameters \(recipes\).*--overwrite"):
        export(cubes, tmp_path, ["ts1"], image_size=16, **options)
    export(cubes, tmp_path, ["ts1"], image_size=16, overwrite=True, **options)
    assert json.loads((folder / "metadata.json").read_text())["configs"]["ts1"]["image_size"] == 16


def test_compact_atmosphere_reports_its_error(cubes, tmp_path):
    folder = export(
        cubes, tmp_path, ["ts3"], image_size=SIZE, atmosphere=5, preview=False, progress=False
    )
    row = load(tmp_path, "ts3", "train", tmp_path / "cache")[0]
    assert row["secondary_date_surface_pressure"].shape == (3, 5, 5)
    errors = json.loads((folder / "metadata.json").read_text())["atmosphere_error"]
    assert set(errors) == {c.name for c in CHANNELS if c.kind in ("primary", "secondary")}
    assert all(error > 0.1 for error in errors.values())  # the test cubes' fields are noise
    worst = 100 * errors["secondary_date_surface_pressure"]
    assert f"`secondary_date_surface_pressure` {worst:.2g} %" in (folder / "README.md").read_text()


def test_a_subset_of_channels_in_their_given_order(cubes, tmp_path):
    names = ["dem", "insar_difference", "surface_pressure"]
    export(cubes, tmp_path, ["ts1"], image_size=SIZE, channels=names, progress=False)
    columns = load(tmp_path, "ts1", "train", tmp_path / "cache").column_names
    rasters = [name for name in columns if name in {channel.name for channel in CHANNELS}]
    assert rasters == [
        *names[:2],
        "primary_date_surface_pressure",
        "secondary_date_surface_pressure",
    ]


def test_a_split_without_rows_is_left_out(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(FRAME,))
    records = json.loads((cubes / "annotations.json").read_text())
    for record in records.values():
        record["corrupted"] = int(record["primary_date"] == "20190704")
    (cubes / "annotations.json").write_text(json.dumps(records))
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    assert set(load_dataset(str(folder), "ts1", cache_dir=str(tmp_path))) == {"train", "test"}
    assert "No row falls into validation" in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"configs": ["ts9"]}, "length 9.*longest group.*has 4"),
        ({"configs": ["three"]}, "unknown config 'three'"),
        ({"configs": []}, "no config is chosen"),
        ({"image_size": 0}, "image size is at least 1"),
        ({"split": "random"}, "paper, strict, spatial"),
        ({"crop": "corner"}, "deformation, random, center"),
        ({"atmosphere": 1}, "2 to 24 nodes"),
        ({"atmosphere": "some"}, '"full" or a number'),
        ({"channels": ["dem", "slope"]}, "unknown channel 'slope'"),
        ({"format": "zarr"}, "parquet, arrow, webdataset"),
        ({"workers": 0}, "at least 1"),
        ({"format": "webdataset", "configs": ["groups"]}, "series of one length"),
        ({"format": "webdataset", "atmosphere": 9}, "full resolution"),
        (
            {"channels": ["dem"], "correct_stratified": True},
            "insar_difference, which is not among the channels",
        ),
        ({"dask": "gopher://127.0.0.1:9"}, "no Dask scheduler answers"),
    ],
)
def test_options_out_of_range(cubes, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        export(cubes, tmp_path, **{"image_size": SIZE, "progress": False, **options})


def test_recipe_names_its_config():
    assert [Recipe(length).name for length in (1, 12, None)] == ["ts1", "ts12", "groups"]
    assert Recipe(None).features["dem"].shape == (512, 512)
