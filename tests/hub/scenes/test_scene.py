"""Every way in: what is read, what is refused, and how it is said."""

import datetime
import pickle
import zipfile

import numpy as np
import pytest

from dataset_script.channels import ATMOSPHERIC_CHANNELS, CHANNEL_NAMES
from dataset_script.cubes.minicube import Minicube
from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene
from hub.scenes.scene import make_scene
from tests import cubes
from tests.rows import make_dataset_folder, make_row


def phase_of(height=20, width=24, steps=None, seed=0):
    shape = (height, width) if steps is None else (steps, height, width)
    values = np.random.default_rng(seed).uniform(-3.1, 3.1, shape)
    return values.astype("float32")


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


def test_unwrapped_phase_is_wrapped_and_said():
    phase = phase_of() * 10
    scene = make_scene("a", phase)
    assert np.abs(scene.insar_difference).max() <= np.pi + 1e-6
    np.testing.assert_allclose(
        np.exp(1j * scene.insar_difference[0]), np.exp(1j * phase), atol=1e-5
    )
    assert "wrapped" in scene.warnings[0]


def test_no_data_is_nan_the_mask_and_exact_zeros():
    phase, coherence = phase_of(), np.full((20, 24), 100, "uint8")
    phase[0, 0] = np.nan
    phase[1, :2], coherence[1, 0] = 0, 0
    explicit = np.zeros((20, 24), bool)
    explicit[2, 2] = True
    scene = make_scene("a", phase, coherence, nodata=explicit)
    assert {tuple(at) for at in np.argwhere(scene.nodata)} == {(0, 0), (1, 0), (2, 2)}
    assert (scene.insar_difference[0][scene.nodata] == 0).all()
    assert (scene.insar_coherence[0][scene.nodata] == 0).all()


def test_a_pixel_with_data_in_one_step_is_data():
    phase = phase_of(steps=2)
    phase[0, 3] = np.nan
    scene = make_scene("a", phase)
    assert not scene.nodata.any()
    assert scene.absent(0)[3].all() and not scene.absent(1).any()


@pytest.mark.parametrize(
    ("coherence", "stored"),
    [
        (np.float32([[0.0, 0.5], [1.0, 0.2]]), [[0, 128], [255, 51]]),
        (np.float32([[0.0, 128], [255, 51]]), [[0, 128], [255, 51]]),
        (np.uint16([[0, 1], [1, 1]]), [[0, 1], [1, 1]]),
    ],
)
def test_the_coherence_scale_is_told_by_type_and_range(coherence, stored):
    scene = make_scene("a", np.ones((2, 2), "float32"), coherence)
    assert scene.insar_coherence[0].tolist() == stored


def test_a_row_in_any_format_and_from_its_dataset(tmp_path):
    row = make_row(np.random.default_rng(1), 1, 3, 32)
    scene = load_scene(row)
    assert set(scene.atmosphere) == set(ATMOSPHERIC_CHANNELS)
    assert scene.name == row["sample_id"].replace("/", "_")
    assert (scene.reference == row["deformation_mask"].any(axis=0)).all()
    lists = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in row.items()
    }
    assert load_scene(lists).fingerprint() == scene.fingerprint()
    assert scene.crs == "EPSG:4326" and scene.transform.a == pytest.approx(0.001)
    with pytest.raises(SceneError, match="no insar_difference"):
        load_scene({"dem": row["dem"]})
    with pytest.raises(SceneError, match=r"must be \[H, W\]"):
        load_scene({"insar_difference": np.ones(5, "float32")})


def test_a_row_by_its_place(tmp_path):
    folder = make_dataset_folder(tmp_path, counts=(2, 2, 5), nodes=5)
    from datasets import load_dataset

    row = load_dataset(str(folder), "ts3", split="test").with_format("numpy")[4]
    scene = load_scene(f"{folder}::ts3/test/4")
    assert np.array_equal(scene.insar_difference, row["insar_difference"])
    assert np.array_equal(scene.insar_coherence, row["insar_coherence"])
    assert scene.primary_date == datetime.date(2020, 5, 5)
    for bad, said in [
        ("ts3/test/5", "no row 5"),
        ("ts3/nowhere/0", "no split"),
        ("ts9/test/0", "ts9"),
        ("ts3", "CONFIG/SPLIT/INDEX"),
    ]:
        with pytest.raises(SceneError, match=said):
            load_scene(f"{folder}::{bad}")


@pytest.mark.parametrize("form", ["directory", "zip"])
def test_pairs_of_a_minicube(tmp_path, form):
    cubes.write_minicubes(tmp_path, form=form)
    (path,) = tmp_path.glob("*.zarr*")
    scene = load_scene(f"{path}@20200301_20200313,20200406")
    with Minicube.open(path) as cube:
        dates = [datetime.date(2020, 3, 13), datetime.date(2020, 4, 6)]
        primary = datetime.date(2020, 3, 1)
        for step, date in enumerate(dates):
            assert np.array_equal(
                scene.insar_difference[step], cube.read("insar_difference", primary, date)
            )
            assert np.array_equal(
                scene.atmosphere["secondary_date_surface_pressure"][step],
                cube.read("secondary_date_surface_pressure", primary, date),
            )
    assert scene.secondary_dates == tuple(dates)
    assert all(scene.channel(name) is not None for name in CHANNEL_NAMES)
    assert scene.transform.f == pytest.approx(cubes.NORTH, abs=0.001)
    assert scene.name == f"{cubes.FRAME}_20200301_20200313-20200406"
    assert load_scene(f"{path}@20200301").steps == 4
    for dates, said in [
        ("@20200302", "primary date 20200302"),
        ("@20200301_20200314", "secondaries of 20200301 are 20200313"),
        ("", "3 primary dates"),
    ]:
        with pytest.raises(SceneError, match=said):
            load_scene(f"{path}{dates}")


def test_the_fingerprint_is_of_pixels_and_place():
    phase = phase_of()
    scene = make_scene("a", phase)
    assert scene.fingerprint() == make_scene("b", phase).fingerprint()
    phase[0, 0] += 0.1
    assert scene.fingerprint() != make_scene("a", phase).fingerprint()
    assert scene.fingerprint() != make_scene("a", phase_of(), crs="EPSG:4326").fingerprint()


def test_rows_are_read_from_parquet_alone(tmp_path):
    folder = make_dataset_folder(tmp_path, steps=1, size=8, counts=(2, 2, 2))
    card = folder / "README.md"
    card.write_text(card.read_text().replace(".parquet", ".arrow"))
    for path in folder.rglob("*.parquet"):
        path.rename(path.with_suffix(".arrow"))
    with pytest.raises(SceneError, match=r"not stored as Parquet.*--format parquet"):
        load_scene(f"{folder}::ts1/test/0")


def test_what_is_no_scene(tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(SceneError, match="no kind of file"):
        load_scene(tmp_path / "note.txt")
    with pytest.raises(SceneError, match="does not exist"):
        load_scene(tmp_path / "nothing.npz")
