"""What describes an exported dataset: the card's text, its YAML, and Croissant."""

import json
import warnings

import pytest
import yaml
from huggingface_hub import DatasetCard

from dataset_script.channels import CHANNELS
from dataset_script.errors import ConfigError
from dataset_script.export import export
from dataset_script.rows.features import MEANINGS, annotation_features
from dataset_script.synthetic.pipeline import synthesize
from tests.dataset_script.exporting import SIZE, make_cubes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("card")
    cubes = make_cubes(root / "cubes")
    return export(cubes, root, ("ts3", "ts1", "groups"), image_size=SIZE, progress=False)


def test_yaml_is_what_the_hub_wants(folder):
    card = DatasetCard.load(folder / "README.md")
    assert card.data.license == "mit"
    assert card.data.pretty_name == "Hephaestus Minicubes"
    assert card.data.size_categories == ["n<1K"]
    assert set(card.data.task_categories) == {"image-classification", "image-segmentation"}
    raw = yaml.safe_load(card.data.to_yaml())
    assert [c["config_name"] for c in raw["configs"]] == ["ts3", "ts1", "groups", "preview"]
    sizes = {info["config_name"]: info["download_size"] for info in raw["dataset_info"]}
    for name in ("ts1", "ts3", "groups", "preview"):
        files = (folder / "data" / name).glob("*.parquet")
        assert sizes[name] == sum(path.stat().st_size for path in files)


def test_text_names_every_column_with_unit_and_shape(folder):
    text = (folder / "README.md").read_text()
    for channel in CHANNELS:
        shape = f"T, {SIZE}, {SIZE}" if channel.per_step else f"{SIZE}, {SIZE}"
        line = next(line for line in text.splitlines() if line.startswith(f"| `{channel.name}`"))
        assert f"| {channel.unit} | {channel.dtype} | {shape} |" in line
    for name in annotation_features():
        assert f"| `{name}` | {MEANINGS[name]} |" in text
    assert (
        "| `ts3` (default) | a time series of 3 interferograms | 2 (2 with deformation) |" in text
    )
    assert "leaks" in text and "Earthquakes" in text and "@article" in text
    assert "simulated" not in text
    assert "{{" not in text and "{%" not in text


def test_splits_of_the_users_own_dates_are_told(folder, tmp_path):
    options = {"image_size": SIZE, "channels": ["dem"], "preview": False, "progress": False}
    options |= {"split": "dates", "train_dates": ["2014:2018", "2020-03"]}
    cubes = folder.parent / "cubes"
    made = export(cubes, tmp_path, ["ts1"], test_dates=["2019"], **options)
    text = (made / "README.md").read_text()
    assert (
        "Split scheme: `dates`, by primary date: train 2014-01-01 to 2018-12-31 and 2020-03-01 to "
        "2020-03-31; validation has none; test 2019-01-01 to 2019-12-31. What lies in" in text
    )
    facts = json.loads((made / "metadata.json").read_text())["configs"]["ts1"]
    assert facts["train_dates"] == ["2014:2018", "2020-03"] and facts["test_dates"] == ["2019"]
    counts = {split: count["samples"] for split, count in facts["counts"].items()}
    assert counts == {"train": 16, "test": 8}
    with pytest.raises(ConfigError, match="other parameters"):
        export(cubes, tmp_path, ["ts1"], test_dates=["2019-07"], **options)


def test_simulated_pixels_are_called_so(tmp_path):
    synthesize(
        tmp_path / "cubes", 1, height=64, width=64, acquisitions=9, neighbours=2, progress=False
    )
    folder = export(tmp_path / "cubes", tmp_path, ["ts1"], image_size=48, progress=False)
    assert "**The pixels here are simulated**" in (folder / "README.md").read_text()
    assert "simulated" in json.loads((folder / "metadata.json").read_text())["name"]


@pytest.mark.parametrize("form", ["parquet", "arrow", "webdataset"])
def test_croissant_is_valid(folder, form, tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant")
    if form != "parquet":
        cubes = folder.parent / "cubes"
        folder = export(cubes, tmp_path, ["ts3"], image_size=SIZE, format=form, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlcroissant's own
        described = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
        assert not described.metadata.ctx.issues.errors
        assert not described.metadata.ctx.issues.warnings
        for place in json.loads((folder / "croissant.json").read_text())["distribution"]:
            assert list(folder.glob(place["includes"])), place
        if form != "webdataset":
            kinds = {field.id: field for field in described.metadata.record_sets[0].fields}
            assert kinds["ts3/insar_difference"].array_shape == f"3,{SIZE},{SIZE}"
        if form == "parquet":
            assert next(iter(described.records("preview")))["preview/phase"].height == SIZE
