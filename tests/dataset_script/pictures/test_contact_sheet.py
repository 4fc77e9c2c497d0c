import shutil

import numpy as np
import pytest
from PIL import Image

from dataset_script.__main__ import main
from dataset_script.channels import CHANNEL_NAMES, MASKS
from dataset_script.errors import ConfigError, DataError
from dataset_script.export import export
from dataset_script.pictures import contact_sheet as show
from dataset_script.pictures.colours import style_of
from dataset_script.pictures.contact_sheet import contact_sheet
from dataset_script.pictures.preview import edge_pixels, palette, phase_strip
from dataset_script.shards.finding import find_samples
from tests.cubes import FRAME
from tests.dataset_script.exporting import SECOND, SIZE, make_cubes


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    return make_cubes(tmp_path_factory.mktemp("cubes"))


@pytest.mark.parametrize("form", ["parquet", "arrow", "webdataset"])
def test_the_same_sample_is_found_in_cubes_and_in_every_format(cubes, tmp_path, form):
    folder = export(cubes, tmp_path, ["ts3"], image_size=SIZE, format=form, progress=False)
    options = {"config": "ts3", "beginnings": [f"{FRAME}/2020"]}
    (made,) = find_samples(cubes, image_size=SIZE, **options)
    (read,) = find_samples(folder, **options)
    assert made["sample_id"] == read["sample_id"]
    assert read["secondary_dates"] == made["secondary_dates"]
    for name in {*CHANNEL_NAMES, *MASKS} & set(read):
        np.testing.assert_array_equal(made[name], read[name])


def test_deformation_comes_first(cubes):
    rows = list(find_samples(cubes, "ts1", count=30, image_size=SIZE))
    labels = [row["label"] for row in rows]
    assert len(rows) == 24
    assert labels == sorted(labels, reverse=True) and set(labels) == {0, 1}
    assert {row["frame_id"] for row in find_samples(cubes, "ts1", "test", [SECOND], 9, SIZE)} == {
        SECOND
    }


def test_misses_are_said(cubes, tmp_path):
    with pytest.raises(DataError, match="no sample whose id begins with 000A in test"):
        list(find_samples(cubes, "ts1", "test", ["000A"], image_size=SIZE))
    with pytest.raises(ConfigError, match="train, validation, test"):
        list(find_samples(cubes, "ts1", "dev"))
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    with pytest.raises(ConfigError, match="no config ts3; it has ts1"):
        list(find_samples(folder, "ts3"))


def test_sheet_has_every_raster_with_unit_and_colour_bar(cubes):
    (row,) = find_samples(cubes, image_size=SIZE)
    figure = contact_sheet(row)
    names = (*CHANNEL_NAMES, *MASKS)
    panels = [
        axis for axis in figure.axes if axis.get_images() and axis.get_label() != "<colorbar>"
    ]
    bars = [axis for axis in figure.axes if axis.get_label() == "<colorbar>"]
    assert len(bars) == len(names)
    assert [bar.get_xlabel() for bar in bars] == [style_of(name).unit for name in names]
    static = sum(row[name].ndim == 2 for name in names)
    assert len(panels) == 3 * (len(names) - static) + static
    phase = panels[0].get_images()[0]
    assert phase.get_cmap().name.endswith("romaO")
    assert phase.get_clim() == pytest.approx((-np.pi, np.pi))
    assert any(panel.collections for panel in panels)  # the mask's outline


def test_show_writes_pictures(cubes, tmp_path, capsys):
    options = ["--config", "ts1", "--image-size", str(SIZE), "--count", "2"]
    main(["show", str(cubes), *options, "--output", str(tmp_path / "sheets")])
    said = capsys.readouterr().out.split()
    assert len(said) == 2
    for path in said:
        assert Image.open(path).width > 1000


def test_phase_strip_averages_around_the_circle():
    phase = np.full((2, 400, 400), np.pi - 0.01, np.float32)
    phase[:, ::2] = -np.pi + 0.01  # the mean of the two is pi, not 0
    strip = phase_strip(phase, np.zeros(phase.shape, np.uint8))
    assert strip.shape == (133, 266)
    constant = phase_strip(np.full((1, 9, 9), np.pi, np.float32), np.zeros((1, 9, 9), np.uint8))
    colours = palette().astype(int)
    assert np.abs(colours[strip[50, 50]] - colours[constant[4, 4]]).max() <= 6
    outside = phase_strip(np.zeros((1, 9, 9), np.float32), np.zeros((1, 9, 9)))
    assert (colours[outside] == 128).all()


def test_outline_is_the_rim():
    mask = np.zeros((1, 7, 7), bool)
    mask[0, 1:6, 1:6] = True
    rim = edge_pixels(mask)
    assert rim.sum() == 16 and not rim[0, 2:5, 2:5].any()


def test_bad_input_is_said(cubes, tmp_path):
    with pytest.raises(ConfigError, match="at least 1, not -1"):
        list(find_samples(cubes, "ts1", count=-1, image_size=SIZE))
    for form in ("parquet", "arrow"):
        options = {"image_size": SIZE, "format": form, "progress": False}
        folder = export(cubes, tmp_path / form, ["ts1"], **options)
        shard = next((folder / "data" / "ts1").glob("test-*"))
        shard.write_bytes(shard.read_bytes()[:3000])
        with pytest.raises(DataError, match=f"{shard.name}: truncated .* fetch it again"):
            list(find_samples(folder, "ts1", "test", count=99))


def test_a_webdataset_without_one_of_the_splits(cubes, tmp_path):
    options = {"image_size": SIZE, "format": "webdataset", "progress": False}
    folder = export(cubes, tmp_path, ["ts1"], **options)
    shutil.rmtree(folder / "1" / "val")
    assert {row["primary_date"].year for row in find_samples(folder, "ts1", count=99)} == {
        2018,
        2020,
    }
    with pytest.raises(DataError, match="no sample in validation"):
        list(find_samples(folder, "ts1", "validation"))


def test_another_programs_metadata_beside_cubes_is_none_of_ours(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", (FRAME,))
    (cubes / "metadata.json").write_text('{"camera": 1}')
    assert list(find_samples(cubes, "ts1", image_size=SIZE))
    (cubes / "metadata.json").write_text('{"camera":')
    with pytest.raises(DataError, match="malformed JSON at line 1"):
        list(find_samples(cubes, "ts1", image_size=SIZE))


def test_no_sheet_replaces_another(cubes, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(show, "save_sheet", lambda row, path: path)
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    options = ["--config", "ts1", "--image-size", str(SIZE), "--sample", f"{FRAME}/2020"]
    main(["show", str(cubes), str(folder), *options, "--output", str(tmp_path / "sheets")])
    said = capsys.readouterr().out.split()
    assert len(said) == len(set(said)) == 2
