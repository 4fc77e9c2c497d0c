"""Whose the output folder is: nothing is removed that no export of ours is known to have made."""

import pytest

from dataset_script.errors import ConfigError
from dataset_script.export import export
from tests.dataset_script.exporting import SIZE, make_cubes

OPTIONS = {"channels": ["dem"], "progress": False}
LENGTH = '{"recipes": [{"timeseries_length": "*"}]}'


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    return make_cubes(tmp_path_factory.mktemp("cubes"))


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_something_else_is_left_alone(cubes, tmp_path, overwrite):
    """A checkout of this project bears the name of the dataset's folder."""
    precious = tmp_path / "hephaestus-minicubes" / "README.md"
    precious.parent.mkdir()
    precious.write_text("mine")
    with pytest.raises(ConfigError, match=r"not empty.*move it away") as caught:
        export(cubes, tmp_path, ["ts1"], image_size=SIZE, overwrite=overwrite, **OPTIONS)
    assert "--overwrite" not in str(caught.value)
    assert precious.read_text() == "mine"


@pytest.mark.parametrize(
    "record", ["", "{", "[]", "{}", '{"recipes": 5}', '{"recipes": [{}]}', LENGTH]
)
def test_a_record_that_says_nothing_proves_nothing(cubes, tmp_path, record):
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, **OPTIONS)
    (tmp_path / ".hephaestus-minicubes.export" / "parameters.json").write_text(record)
    before = sorted(folder.rglob("*"))
    with pytest.raises(ConfigError, match="does not say that an export made it"):
        export(cubes, tmp_path, ["ts1"], image_size=16, overwrite=True, **OPTIONS)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("form", ["parquet", "arrow", "webdataset"])
def test_what_was_laid_beside_an_export_survives_its_replacement(cubes, tmp_path, form):
    whole = {"image_size": SIZE, "progress": False}
    folder = export(cubes, tmp_path, ["ts1", "ts3"], format=form, **whole)
    exported = {path for path in folder.rglob("*") if path.is_file()}
    beside = [folder / "thesis.txt", folder / "data" / "ts1" / "notes.txt"]
    for path in beside:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    export(cubes, tmp_path, ["ts3"], image_size=16, overwrite=True, **OPTIONS)
    assert all(path.read_text() == "mine" for path in beside)
    left = {path for path in folder.rglob("*") if path.is_file()}
    fresh = set(export(cubes, tmp_path / "b", ["ts3"], image_size=16, **OPTIONS).rglob("*"))
    names = {path.relative_to(tmp_path / "b" / folder.name) for path in fresh if path.is_file()}
    assert {path.relative_to(folder) for path in left - set(beside)} == names
    assert exported - left
