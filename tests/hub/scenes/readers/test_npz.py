"""What is read of an `.npz`, and what is refused."""

import datetime
import pickle
import zipfile

import numpy as np
import pytest

from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene
from tests.hub.phases import phase_of


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_npz_of_one_step(tmp_path):
    phase = phase_of()
    path = save(
        tmp_path / "a b.npz",
        insar_difference=phase,
        insar_coherence=np.full(phase.shape, 200, "uint8"),
        dem=np.full(phase.shape, 300, "int16"),
        surface_pressure_of_no_date=phase,
        bounds=[40.0, 13.0, 40.024, 13.02],
        crs="EPSG:4326",
        primary_date="20170103",
        secondary_dates=["2017-01-15"],
    )
    scene = load_scene(path)
    assert scene.name == "a_b"
    assert scene.insar_difference.shape == (1, 20, 24)
    assert np.array_equal(scene.insar_difference[0], phase)
    assert scene.insar_coherence.dtype == np.uint8 and (scene.insar_coherence == 200).all()
    assert scene.dem.dtype == np.float32 and (scene.dem == 300).all()
    assert scene.transform.almost_equals((0.001, 0, 40, 0, -0.001, 13.02), 1e-9)
    assert scene.primary_date == datetime.date(2017, 1, 3)
    assert scene.secondary_dates == (datetime.date(2017, 1, 15),)
    assert scene.warnings == () and not scene.nodata.any()


def test_npz_of_several_steps_with_coarse_atmosphere(tmp_path):
    nodes = np.arange(9.0).reshape(3, 3)
    scene = load_scene(
        save(
            tmp_path / "a.npz",
            insar_difference=phase_of(steps=2),
            primary_date_surface_pressure=nodes,
            secondary_date_surface_pressure=np.stack([nodes, nodes + 1]),
        )
    )
    assert scene.steps == 2
    primary = scene.atmosphere["primary_date_surface_pressure"]
    assert primary.shape == (20, 24)
    assert primary[0, 0] == 0 and primary[-1, -1] == 8
    assert scene.atmosphere["secondary_date_surface_pressure"].shape == (2, 20, 24)
    assert "no georeference" in scene.warnings[0]


def test_the_real_crop_says_what_it_lacks(real_crop):
    scene = load_scene(real_crop)
    assert scene.insar_difference.shape == (1, 512, 512)
    assert scene.dem is None and "absolute height" in " ".join(scene.warnings)
    assert scene.reference.sum() == 4255


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"dem": np.ones((4, 4))}, "no array insar_difference"),
        ({"insar_difference": phase_of() * 1j}, "complex"),
        ({"insar_difference": np.ones((4, 4), "uint8")}, "radians in float"),
        ({"insar_difference": np.ones((1, 1, 4, 4))}, "must be [H, W]"),
        ({"insar_difference": phase_of(), "dem": np.ones((4, 4))}, "dem has shape (4, 4)"),
        ({"insar_difference": np.full((4, 4), np.nan)}, "no pixel holds data"),
        ({"insar_difference": phase_of(), "insar_coherence": -phase_of()}, "0..1 or 0..255"),
        ({"insar_difference": phase_of(), "crs": "EPSG:4326"}, "neither transform nor bounds"),
        ({"insar_difference": phase_of(), "primary_date": "tuesday"}, "no date"),
        ({"insar_difference": np.array([{}], dtype=object)}, "never unpickled"),
        ({"insar_difference": np.zeros((2000, 2, 2), "float32")}, "far more"),
        ({"insar_difference": np.ones(5, "float32")}, "must be [H, W]"),
        ({"insar_difference": np.float32(1)}, "must be [H, W]"),
        (
            {"insar_difference": phase_of(), "primary_date_surface_pressure": np.ones(5)},
            "primary_date_surface_pressure has shape (5,)",
        ),
        ({"insar_difference": phase_of(), "dem": np.full((20, 24), "high")}, "holds numbers"),
        (
            {"insar_difference": phase_of(), "crs": "EPSG:4326", "transform": [0.001, 0]},
            "its transform, its bounds or a date",
        ),
        (
            {"insar_difference": phase_of(), "primary_date": ["20170103", "20170104"]},
            "its transform, its bounds or a date",
        ),
        (
            {"insar_difference": phase_of(steps=3), "secondary_dates": ["20170115"]},
            "there are 1 secondary dates for 3 interferograms",
        ),
        (
            {"insar_difference": phase_of(), "crs": "EPSG:4326", "bounds": [13, 140, 13.1, 140.1]},
            "its bounds, which are west, south, east, north",
        ),
        (
            {
                "insar_difference": phase_of(),
                "crs": 'LOCAL_CS["mine",UNIT["metre",1]]',
                "bounds": [0, 0, 2400, 2000],
            },
            "no longitude and latitude on Earth",
        ),
        (
            {
                "insar_difference": phase_of(),
                "crs": "+proj=longlat +R=3396190 +no_defs",
                "bounds": [13, 14, 13.1, 14.1],
            },
            "no longitude and latitude on Earth",
        ),
    ],
)
def test_a_bad_npz_is_refused_by_name(tmp_path, arrays, said):
    path = save(tmp_path / "bad.npz", **arrays)
    with pytest.raises(SceneError, match="bad") as error:
        load_scene(path)
    assert said in str(error.value)


def test_neither_pickles_nor_bombs_are_opened(tmp_path):
    text = tmp_path / "text.npz"
    text.write_text("not an archive")
    with pytest.raises(SceneError, match="readable"):
        load_scene(text)
    damaged = tmp_path / "damaged.npz"
    np.savez_compressed(damaged, insar_difference=phase_of())
    content = bytearray(damaged.read_bytes())
    content[200:1200] = b"\xff" * 1000
    damaged.write_bytes(content)
    with pytest.raises(SceneError, match="readable"):
        load_scene(damaged)
    marker = tmp_path / "owned"

    class Bomb:
        def __reduce__(self):
            return type(marker).touch, (marker,)

    evil = tmp_path / "evil.npz"
    evil.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(SceneError):
        load_scene(evil)
    assert not marker.exists()
    # The header alone claims ten gigapixels; a reader that believed it would allocate 40 GB.
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w") as archive, archive.open("insar_difference.npy", "w") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (100_000, 100_000)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(100))
    with pytest.raises(SceneError, match="at most 100 million"):
        load_scene(bomb)
