"""The air of a synthetic scene: weather, delay, turbulence and what looks like a source."""

import datetime

import numpy as np
import pytest

from dataset_script.channels import BY_NAME
from dataset_script.rows import stratification
from dataset_script.synthetic.air.turbulence import draw_disturbances, draw_turbulence
from dataset_script.synthetic.air.weather import Nodes, draw_weather
from dataset_script.synthetic.frames import plan_frames
from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.ground.power_law import power_law_field
from dataset_script.synthetic.scene import Scene


def test_delay_is_of_textbook_size_and_falls_with_height():
    fields = {
        stratification.PRESSURE: np.full(3, 101_325.0),
        stratification.TEMPERATURE: np.full(3, 101_325.0 / 9.80665 * 245),
        stratification.VAPOUR: np.full(3, 20.0),
    }
    delay = stratification.stratified_delay(fields, np.array([0.0, 1000.0, 3000.0]), np.zeros(3))
    # 2.31 m hydrostatic and 6.3 mm for a millimetre of water.
    assert delay[0] == pytest.approx(2.307 + 0.126, abs=0.01)
    assert np.all(np.diff(delay) < 0)
    dry = {**fields, stratification.VAPOUR: np.zeros(3)}
    ratio = stratification.stratified_delay(dry, np.array([0.0, 1000.0, 3000.0]), np.zeros(3))
    # The standard atmosphere's pressures at 1 and 3 km.
    np.testing.assert_allclose(ratio / ratio[0], [1, 0.887, 0.692], atol=0.004)


def test_weather_is_plausible_and_bilinear():
    (plan,) = plan_frames(1, seed=0, height=120, width=600, acquisitions=12, neighbours=2)
    dem = np.full(plan.grid.shape, 500.0)
    nodes = Nodes.under(plan.grid, dem)
    weather = draw_weather(np.random.default_rng(1), nodes, plan.climate, datetime.date(2018, 3, 1))
    for name, values in weather.items():
        channel = BY_NAME[f"primary_date_{name}"]
        assert abs(values.mean() - channel.mean) < 4 * channel.std
        spread = nodes.spread(values)
        assert spread.min() >= values.min() and spread.max() <= values.max()
        column = np.abs(plan.grid.longitude - nodes.longitude[1]).argmin()
        row = np.abs(plan.grid.latitude - nodes.latitude[0]).argmin()
        if np.isclose(plan.grid.latitude[row], nodes.latitude[0], atol=1e-6):
            assert spread[row, column] == pytest.approx(values[0, 1], rel=1e-3)
        # Between two nodes the second difference vanishes.
        inner = slice(column + 5, column + 100)
        assert np.abs(np.diff(spread[:, inner], 2)).max() < 1e-6 * np.abs(values).max()


def test_turbulence_has_the_spectrum_it_should():
    # Tapered along the rows, since the cut field is not periodic.
    taper = np.hanning(1024)
    power = np.zeros(513)
    for seed in range(6):
        field = power_law_field(np.random.default_rng(seed), (64, 1024), 100.0, [8 / 3])
        power += (np.abs(np.fft.rfft(field * taper)) ** 2).mean(axis=0)
    wavenumber = np.arange(12, 120)
    slope = np.polyfit(np.log(wavenumber), np.log(power[wavenumber]), 1)[0]
    assert slope == pytest.approx(-8 / 3, abs=0.2)


def test_turbulence_matches_the_real_crops_structure(real_crop):
    """The shape of the structure function over two decades, where the ground does not move."""
    with np.load(real_crop) as crop:
        phase, valid = crop["insar_difference"], crop["insar_coherence"] >= 120
        valid &= ~crop["nodata"]
    valid[230:440, 90:240] = False  # the eruption
    steps = np.angle(np.exp(1j * np.diff(phase, axis=1)))
    steps[~(valid[:, 1:] & valid[:, :-1])] = np.nan
    grid = FrameGrid.around(13.6, 40.6, *phase.shape)
    ours = draw_turbulence(np.random.default_rng(2), grid)
    lags = [2, 8, 32]
    windows = [np.lib.stride_tricks.sliding_window_view(steps, lag, axis=1) for lag in lags]
    real = [np.sqrt(np.nanmean(window.sum(axis=-1) ** 2)) for window in windows]
    made = [np.sqrt(np.mean((ours[:, lag:] - ours[:, :-lag]) ** 2)) for lag in lags]
    np.testing.assert_allclose(np.divide(made, made[1]), np.divide(real, real[1]), rtol=0.35)


def test_stratified_air_over_a_quiet_volcano_is_among_the_pairs():
    """Strong fringes that follow the relief where nothing moves: what a model must not fall for."""
    (plan,) = plan_frames(1, seed=0, height=128, width=160, acquisitions=40, neighbours=4)
    scene = Scene(plan)
    summit = scene.terrain.dem > np.quantile(scene.terrain.dem, 0.97)
    shore = scene.visible & (scene.terrain.dem < np.quantile(scene.terrain.dem[scene.visible], 0.1))
    contrast = []
    for i, j in scene.quiet_pairs():
        phase = scene.date(j).stratified - scene.date(i).stratified
        contrast.append(abs(phase[summit].mean() - phase[shore].mean()) / (2 * np.pi))
    assert np.quantile(contrast, 0.8) > 0.5
    assert max(contrast) > 1


def test_disturbances_add_rings_around_summits_and_waves():
    grid = FrameGrid.around(10.0, 30.0, 96, 128)
    east, north = grid.local()
    dem = 1500 * np.exp(-np.hypot(east, north) / 4000)
    drawn = [draw_disturbances(np.random.default_rng(seed), grid, dem) for seed in range(24)]
    # Apart from a smooth gradient: what follows the relief, and what oscillates.
    plane = np.stack([np.ones(dem.size), east.ravel(), north.ravel()], axis=1)
    followed, rough = 0, 0
    for delay in drawn:
        rest = delay.ravel() - plane @ np.linalg.lstsq(plane, delay.ravel(), rcond=None)[0]
        followed += abs(np.corrcoef(rest, dem.ravel())[0, 1]) > 0.6 and rest.std() > 1e-3
        rough += np.abs(np.diff(delay, 2)).max() > 1e-4
    assert 2 <= followed < 20 and 2 <= rough < 22


def test_a_field_does_not_depend_on_those_drawn_before():
    def draw(slopes):
        rng = np.random.default_rng(5)
        return power_law_field(rng, (40, 50), 100.0, slopes).tobytes()

    first = draw([2.0])
    assert draw([3.0]) != first  # its spectrum is remembered beside the other's
    assert draw([2.0]) == first
