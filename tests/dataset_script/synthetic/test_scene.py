"""What a synthetic interferogram is made of: geometry, history, air, noise, and how they add up."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion

from dataset_script.channels import WAVELENGTH_M
from dataset_script.rows import stratification
from dataset_script.synthetic.frames import plan_frames
from dataset_script.synthetic.ground.cover import NAMES
from dataset_script.synthetic.ground.grid import STRIPMAP_DEGREES, FrameGrid
from dataset_script.synthetic.radar import coherence
from dataset_script.synthetic.radar.geometry import draw_swath, ground_range, incidence_at
from dataset_script.synthetic.scene import Scene
from dataset_script.synthetic.sources.history import Episode, cumulative
from dataset_script.wrapping import wrap


@pytest.fixture(scope="module")
def scene():
    (plan,) = plan_frames(1, seed=3, height=96, width=112, acquisitions=26, neighbours=4)
    return Scene(plan)


def test_incidence_inverts_ground_range_and_spans_the_swath():
    angles = np.radians(np.linspace(30, 46, 9))
    distances = np.array([ground_range(angle) for angle in angles])
    np.testing.assert_allclose(incidence_at(distances), angles, atol=1e-9)
    # An interferometric wide swath is about 250 km.
    assert 230e3 < distances[-1] - distances[0] < 280e3


@pytest.mark.parametrize("direction", ["A", "D"])
def test_line_of_sight(direction):
    grid = FrameGrid.around(0.0, 30.0, 400, 900)
    swath = draw_swath(np.random.default_rng(0), grid, direction)
    east, north, up = swath.towards_satellite()
    np.testing.assert_allclose(east**2 + north**2 + up**2, 1)
    # Right-looking: ascending tracks see from the west, descending ones from the east.
    assert np.all(east < 0) if direction == "A" else np.all(east > 0)
    assert np.all(north < 0)
    incidence = np.degrees(swath.incidence)
    assert incidence.min() >= 30 - 1e-6 and incidence.max() <= 46 + 1e-6
    assert np.ptp(incidence) > 4
    lift = np.zeros((*grid.shape, 3))
    lift[..., 2] = 0.01
    expected = -4 * np.pi / WAVELENGTH_M * 0.01 * np.cos(swath.incidence)
    np.testing.assert_allclose(swath.displacement_phase(lift), expected)


def test_swath_edge_is_slanted_and_cuts_a_part():
    shares = []
    for seed in range(16):
        grid = FrameGrid.around(10.0, 30.0, 128, 160)
        inside = draw_swath(np.random.default_rng(seed), grid, "AD"[seed % 2]).inside
        shares.append(inside.mean())
        if shares[-1] < 0.97:
            reach = inside.sum(axis=0), inside.sum(axis=1)
            assert min(len(np.unique(side)) for side in reach) > 4
    assert min(shares) > 0.75
    # Some frames lie whole in the swath.
    assert 3 < sum(share == 1 for share in shares) < 13


def test_history_grows_pauses_and_rebounds():
    episodes = [Episode(10, 20, 2.0), Episode(50, 30, -1.5, "decay"), Episode(100, 0, 0.5)]
    days = np.array([0, 10, 20, 30, 40, 50, 80, 90, 100, 101])
    strength = cumulative(episodes, days)
    np.testing.assert_allclose(strength[:2], 0)
    assert strength[2] == pytest.approx(1.0)
    np.testing.assert_allclose(strength[3:6], 2.0)
    np.testing.assert_allclose(strength[6:9], 0.5)
    assert strength[9] == pytest.approx(1.0)


def test_phase_closes_around_every_triangle_of_dates(scene):
    tolerance = 1e-9
    checked = 0
    for i, j, k in itertools.combinations(range(len(scene.plan.dates)), 3):
        if not {(i, j), (j, k), (i, k)} <= set(scene.plan.pairs) or checked == 12:
            continue
        first, second, long = (scene.interferogram(p).unwrapped for p in [(i, j), (j, k), (i, k)])
        assert np.abs(first + second - long).max() < tolerance
        checked += 1
    assert checked == 12


def test_ground_moves_from_the_primary_to_the_secondary_date(scene):
    grown = 0
    for pair in scene.plan.pairs:
        interferogram = scene.interferogram(pair)
        if len(interferogram.acting) != 1:
            continue
        (actor,) = interferogram.acting
        before, after = scene.strengths[actor, list(pair)]
        source = scene.actors[actor].source
        phase = scene.swath.displacement_phase(source.displacement(*scene.plan.grid.local()))
        assert ((phase * interferogram.motion).sum() > 0) == (after > before)
        grown += after > before
    assert grown > 3


def test_slopes_that_face_the_satellite_decorrelate_at_shorter_baselines(scene):
    terrain, look = scene.terrain, scene.swath.look
    # The antenna looks along `look`: ground that rises that way faces it.
    rise = terrain.slope_east * look[0] + terrain.slope_north * look[1]
    critical = coherence.critical_baseline(scene.swath, terrain)
    gentle = np.abs(rise) < 0.4
    assert np.ptp(rise[gentle]) > 0.2
    assert np.corrcoef(rise[gentle], critical[gentle])[0, 1] < -0.8


@given(st.floats(-500, 500))
@settings(deadline=None)
def test_wrap_keeps_the_angle_in_its_interval(value):
    wrapped = wrap(np.array([value]))
    assert wrapped.dtype == np.float32
    assert -np.pi < wrapped[0] <= np.float32(np.pi)
    assert abs(np.exp(1j * wrapped[0]) - np.exp(1j * value)) < 1e-5


def test_wrap_at_the_cut():
    np.testing.assert_array_equal(wrap(np.array([np.pi, -np.pi, 3 * np.pi])), np.float32(np.pi))


def test_phase_is_the_wrapped_sum_and_zero_outside_the_swath(scene):
    interferogram = scene.interferogram(scene.plan.pairs[5])
    inside = scene.swath.inside
    expected = np.exp(1j * (interferogram.unwrapped + interferogram.noise))
    found = np.exp(1j * interferogram.phase.astype(float))
    assert np.abs(found - expected)[inside].max() < 1e-4
    assert np.all(interferogram.phase[~inside] == 0)
    assert np.all(interferogram.coherence[~inside] == 0)
    assert np.all(interferogram.coherence[inside] > 0)
    assert np.all(scene.terrain.dem[~inside] >= scene.terrain.dem.min())
    assert np.ptp(scene.terrain.dem[~inside]) > 0


def test_water_is_noise_at_low_coherence(scene):
    interferogram = scene.interferogram(scene.plan.pairs[0])
    water = binary_erosion(scene.terrain.water & scene.swath.inside, iterations=3)
    values = interferogram.coherence[water]
    # The bias of |mean| over 19 pixels of 64 looks, Rayleigh distributed: real sea has 6 to 7.
    assert values.mean() == pytest.approx(6.5, abs=0.7)
    assert np.quantile(values, 0.95) < 16
    assert abs(np.exp(1j * interferogram.phase[water]).mean()) < 0.4
    land = scene.visible & (interferogram.coherence > 150)
    assert abs(np.exp(1j * interferogram.noise[land]).mean()) > 0.9


def test_stratified_delay_comes_from_the_stored_fields(scene):
    """Nothing but the cube's fields, the elevation and a static height enters it."""
    i, j = scene.plan.pairs[3]
    delays = []
    for index in (i, j):
        fields = scene.date(index).fields
        assert all(values.dtype == np.float32 for values in fields.values())
        delays.append(stratification.stratified_delay(fields, scene.terrain.dem, scene.orography))
    phase = 4 * np.pi / WAVELENGTH_M * (delays[1] - delays[0]) / np.cos(scene.swath.incidence)
    np.testing.assert_allclose(scene.interferogram((i, j)).stratified, phase, atol=1e-9)


def test_coherence_falls_with_time_plants_slope_and_gradient(scene):
    cover = scene.terrain.cover
    short, long = (coherence.temporal_coherence(cover, days) for days in (6, 96))
    assert np.all(long < short)
    means = [short[cover.kinds == NAMES.index(name)].mean() for name in ("rock", "forest")]
    assert means[0] > 0.8 > 0.5 > means[1]
    roughness = coherence.roughness_coherence(scene.terrain)
    steep = np.hypot(scene.terrain.slope_east, scene.terrain.slope_north)
    assert np.corrcoef(roughness.ravel(), steep.ravel())[0, 1] < -0.8
    ramp = np.arange(20) * np.ones((20, 1))
    gentle, rough = (coherence.gradient_coherence(rate * ramp) for rate in (0.2, 4.0))
    assert gentle.min() > 0.98 > 0.6 > rough.max()


def test_scene_depends_on_the_seed_alone(scene):
    again = Scene(scene.plan)
    pair = scene.plan.pairs[7]
    # Out of order: nothing drawn before may matter.
    np.testing.assert_array_equal(again.interferogram(pair).phase, scene.interferogram(pair).phase)
    other = plan_frames(1, seed=4, height=96, width=112, acquisitions=26, neighbours=4)[0]
    assert other.frame_id != scene.plan.frame_id


def test_some_frames_are_stripmap_frames_with_fine_pixels():
    plans = plan_frames(8, seed=3, height=48, width=56, acquisitions=12, neighbours=2)
    fine = [plan for plan in plans if plan.grid.pixel_degrees == STRIPMAP_DEGREES]
    assert len(fine) == 1
    made = Scene(fine[0]).interferogram(fine[0].pairs[0])
    assert np.isfinite(made.phase).all() and made.coherence.max() > 100
    assert np.diff(fine[0].grid.longitude) == pytest.approx(0.0003, abs=1e-7)


def test_pairs_that_span_an_eruption_lose_its_ground(scene):
    assert scene.eruptions
    for eruption in scene.eruptions:
        spans = {
            pair: scene.days[pair[0]] < eruption.day <= scene.days[pair[1]]
            for pair in scene.plan.pairs
        }
        ground = eruption.ground & scene.visible
        if not ground.any():
            continue
        still = np.zeros(ground.shape)
        levels = {s: [] for s in (False, True)}
        for pair, spanning in spans.items():
            levels[spanning].append(scene.true_coherence(pair, still)[ground].mean())
        assert max(levels[True]) < 0.05 < np.median(levels[False])
