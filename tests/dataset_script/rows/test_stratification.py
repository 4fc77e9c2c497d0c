"""The stratified troposphere: what the fields imply, and what is left without it."""

import json

import numpy as np
import pytest
from datasets import load_dataset

from dataset_script.errors import ConfigError
from dataset_script.export import export
from dataset_script.hephaestus_minicubes import HephaestusMinicubes
from dataset_script.rows.stratification import PRESSURE, TEMPERATURE, VAPOUR, remove_stratified
from dataset_script.rows.stratification import stratified_phase as modelled
from dataset_script.synthetic.frames import plan_frames
from dataset_script.synthetic.scene import Scene
from tests.cubes import write_minicubes

SIZE = 24


@pytest.fixture(scope="module")
def scene():
    (plan,) = plan_frames(1, seed=3, height=96, width=112, acquisitions=26, neighbours=4)
    return Scene(plan)


def test_little_is_left_of_a_stratified_atmosphere(scene):
    """Though neither the incidence angle nor the height of the fields is told."""
    strong = 0
    for pair in scene.plan.pairs[::5]:
        truth = scene.interferogram(pair).stratified
        fields = [scene.date(index).fields for index in pair]
        left = truth - modelled(*fields, scene.terrain.dem)
        if truth.std() > 0.5:
            strong += 1
            assert left.std() < 0.25 * truth.std()
    assert strong > 3


def test_a_flat_interferogram_becomes_smoother(scene):
    pair = max(scene.quiet_pairs(), key=lambda p: scene.interferogram(p).stratified.std())
    interferogram = scene.interferogram(pair)
    fields = [scene.date(index).fields for index in pair]
    phase = remove_stratified(interferogram.phase, *fields, scene.terrain.dem)
    seen = (interferogram.phase != 0) & (interferogram.coherence > 100)

    def resultant(values):
        return abs(np.exp(1j * values[seen].astype(float)).mean())

    assert resultant(phase) > resultant(interferogram.phase) + 0.05


def test_nothing_else_is_touched():
    rng = np.random.default_rng(0)
    phase = rng.uniform(-np.pi, np.pi, (16, 16)).astype(np.float32)
    phase[:3] = 0
    dem = np.linspace(0, 3000, 256).reshape(16, 16)
    dem[5, 5] = np.nan
    fields = {
        PRESSURE: np.full((16, 16), 95_000.0, np.float32),
        TEMPERATURE: np.full((16, 16), 2.4e6, np.float32),
        VAPOUR: np.full((16, 16), 20.0, np.float32),
    }
    np.testing.assert_allclose(remove_stratified(phase, fields, fields, dem), phase, atol=1e-6)
    moist = {**fields, VAPOUR: fields[VAPOUR] + 10}
    changed = remove_stratified(phase, fields, moist, dem)
    assert changed.dtype == np.float32 and changed.min() > -np.pi and changed.max() <= np.pi
    assert not changed[:3].any() and changed[5, 5] == phase[5, 5]
    # Ten millimetres more water above the foot of the slope than above its top: a longer delay.
    slope = modelled(fields, moist, dem)
    assert np.diff(slope[~np.isnan(slope)]).max() < 0
    assert slope[0, 0] - slope[-1, -1] > 5
    assert np.array_equal(remove_stratified(0 * phase, fields, moist, dem), 0 * phase)


def test_phase_of_ten_millimetres_of_water_at_the_middle_of_the_swath():
    shape = (2, 2)
    dry = {
        PRESSURE: np.full(shape, 101_325.0),
        TEMPERATURE: np.full(shape, 101_325.0 / 9.80665 * 245),
        VAPOUR: np.full(shape, 20.0),
    }
    moist = {**dry, VAPOUR: dry[VAPOUR] + 10}
    # 6.3 mm of delay for each, there and back, at 39 degrees from the vertical.
    expected = 4 * np.pi / 0.05546576 * 0.063 / np.cos(np.radians(39))
    np.testing.assert_allclose(modelled(dry, moist, np.zeros(shape)), expected, rtol=0.03)


def test_swapping_the_dates_turns_the_sign():
    rng = np.random.default_rng(4)
    first, second = (
        {
            PRESSURE: rng.uniform(80_000, 101_000, (4, 4)),
            TEMPERATURE: rng.uniform(2.2e6, 2.6e6, (4, 4)),
            VAPOUR: rng.uniform(5, 40, (4, 4)),
        }
        for _ in range(2)
    )
    dem = rng.uniform(0, 3000, (4, 4))
    forward, backward = modelled(first, second, dem), modelled(second, first, dem)
    np.testing.assert_allclose(forward, -backward, rtol=1e-9)


def test_what_is_removed_has_no_mean():
    shape = (16, 16)
    dem = np.linspace(0, 600, 256).reshape(shape)
    fields = {
        PRESSURE: np.full(shape, 101_325.0),
        TEMPERATURE: np.full(shape, 2.5e6),
        VAPOUR: np.full(shape, 10.0),
    }
    moist = {**fields, VAPOUR: fields[VAPOUR] + 2}
    phase = np.full(shape, 0.25, np.float32)
    less = remove_stratified(phase, fields, moist, dem)
    assert np.ptp(less) > 0.3
    assert (phase - less).mean() == pytest.approx(0, abs=1e-5)


def test_datasets_of_corrected_phases(tmp_path):
    cubes = tmp_path / "cubes"
    write_minicubes(cubes)
    options = {"configs": ["ts3"], "image_size": SIZE, "preview": False, "progress": False}
    channels = ["insar_difference", "insar_coherence", "dem"]
    plain = load_dataset(str(export(cubes, tmp_path / "plain", **options)), "ts3")
    folder = export(cubes, tmp_path / "less", channels=channels, correct_stratified=True, **options)
    corrected = load_dataset(str(folder), "ts3")
    for split in plain:
        for before, after in zip(
            plain[split].with_format("numpy"), corrected[split].with_format("numpy"), strict=True
        ):
            assert before["sample_id"] == after["sample_id"]
            for step in range(3):
                fields = [
                    {
                        name: before[f"{date}_date_{name}"][step if date == "secondary" else ...]
                        for name in (VAPOUR, PRESSURE, TEMPERATURE)
                    }
                    for date in ("primary", "secondary")
                ]
                phase = before["insar_difference"][step]
                expected = remove_stratified(phase, *fields, before["dem"])
                assert np.array_equal(after["insar_difference"][step], expected)
                assert not np.allclose(expected, phase)
            assert np.array_equal(before["insar_coherence"], after["insar_coherence"])
    assert "The phase is not as it was observed" in (folder / "README.md").read_text()
    facts = json.loads((folder / "metadata.json").read_text())["configs"]["ts3"]
    assert facts["correct_stratified"] is True
    builder = HephaestusMinicubes(
        config_name="ts3",
        data_dir=str(cubes),
        image_size=SIZE,
        channels=channels,
        correct_stratified=True,
        cache_dir=str(tmp_path / "cache"),
    )
    builder.download_and_prepare()
    built = builder.as_dataset("train").with_format("numpy")
    exported = corrected["train"].with_format("numpy")
    assert np.array_equal(built[0]["insar_difference"], exported[0]["insar_difference"])
    with pytest.raises(ConfigError, match="leave out --correct-stratified"):
        export(cubes, tmp_path / "tars", format="webdataset", correct_stratified=True, **options)
