"""The sources against the closed forms of the papers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.sources.compound import Caldera, Spheroid
from dataset_script.synthetic.sources.elastic import POISSON, Dislocation, Mogi
from dataset_script.synthetic.sources.on_grid import displacement_on
from tests.okada import okada


@pytest.fixture
def points():
    """Scattered points, so that none lies exactly over an edge."""
    return np.random.default_rng(0).uniform(-20_000, 20_000, (2, 400))


def agree(ours, theirs, tolerance=1e-4):
    assert np.isfinite(ours).all()
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


@pytest.mark.parametrize(
    ("slip", "published"),
    [
        ((1, 0, 0), (-8.689e-3, -4.298e-3, -2.747e-3)),
        ((0, 1, 0), (-4.682e-3, -3.527e-2, -3.564e-2)),
        ((0, 0, 1), (-2.660e-4, 1.056e-2, 3.214e-3)),
    ],
)
def test_published_check_values(slip, published):
    """Okada (1985), table 2, case 2: both the closed form above and the triangles."""
    dip = np.radians(70)
    source = Dislocation(
        east=1.5, north=np.cos(dip), depth=4 - np.sin(dip), length=3, width=2, strike=90, dip=70,
        slip=slip,
    )  # fmt: skip
    place = np.array([2.0]), np.array([3.0])
    np.testing.assert_allclose(okada(*place, source)[0], published, rtol=5e-4)
    np.testing.assert_allclose(source.displacement(*place)[0], published, rtol=5e-4)


@settings(max_examples=40, deadline=None)
@given(
    strike=st.floats(0, 360),
    dip=st.sampled_from([0.0, 12.0, 45.0, 78.0, 90.0]),
    length=st.floats(1000, 8000),
    width=st.floats(1000, 4000),
    top=st.floats(300, 3000),
    slip=st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1)),
)
def test_two_triangles_are_okadas_rectangle(strike, dip, length, width, top, slip):
    depth = top + width / 2 * np.sin(np.radians(dip))
    source = Dislocation(250.0, -400.0, depth, length, width, strike, dip, slip)
    east, north = np.random.default_rng(1).uniform(-15_000, 15_000, (2, 60))
    agree(source.displacement(east, north), okada(east, north, source))


def test_mogi_lifts_by_the_closed_form_and_conserves_volume(points):
    source = Mogi(1000.0, -500.0, 3000.0, volume=2e6)
    above = source.displacement(np.array([1000.0]), np.array([-500.0]))[0]
    np.testing.assert_allclose(above, [0, 0, (1 - POISSON) * 2e6 / (np.pi * 3000.0**2)])
    # A long way along a radius: u_r / u_z = r / d.
    away = source.displacement(np.array([7000.0]), np.array([-500.0]))[0]
    assert away[0] / away[2] == pytest.approx(6000 / 3000)
    radius = np.arange(0.5, 60_000) * 10
    lift = source.displacement(1000 + radius, np.full_like(radius, -500.0))[:, 2]
    assert np.sum(lift * 2 * np.pi * radius * 10) == pytest.approx(
        2 * (1 - POISSON) * 2e6, rel=0.01
    )


def test_spheroid_is_the_sum_of_three_openings(points):
    spheroid = Spheroid(500.0, -300.0, 4000.0, (600.0, 900.0, 1500.0), opening=1.0)
    opening = (0, 0, 1)
    planes = [
        Dislocation(500.0, -300.0, 4000.0, 1800.0, 1200.0, 0.0, 0.0, opening),
        Dislocation(500.0, -300.0, 4000.0, 1800.0, 3000.0, 0.0, 90.0, opening),
        Dislocation(500.0, -300.0, 4000.0, 1200.0, 3000.0, 90.0, 90.0, opening),
    ]
    total = sum(okada(*points, plane) for plane in planes)
    agree(spheroid.displacement(*points), total)


def test_small_equal_spheroid_is_mogis_point_from_afar(points):
    """Three orthogonal openings of potency P are a sphere of volume change 5/3 P if lambda = mu."""
    side = 200.0
    spheroid = Spheroid(0.0, 0.0, 5000.0, (side / 2,) * 3, plunge=25, trend=40)
    agree(
        spheroid.displacement(*points),
        Mogi(0.0, 0.0, 5000.0, volume=5 / 3 * side**2).displacement(*points),
        tolerance=3e-3,
    )


@pytest.mark.parametrize("hinge", [None, 30.0])
def test_caldera_is_a_sill_with_a_ring_of_okadas_faults(points, hinge):
    sill = Dislocation(300.0, -200.0, 2000.0, 3000.0, 3000.0, 10.0, 0.0, (0, 0, 1))
    caldera = Caldera(sill, 2500.0, 200.0, 1800.0, 0.4, hinge)
    parts = (sill, *caldera.ring())
    agree(caldera.displacement(*points), sum(okada(*points, part) for part in parts))


def test_floor_of_a_caldera_ends_at_its_ring_fault():
    sill = Dislocation(0.0, 0.0, 2000.0, 3000.0, 3000.0, 0.0, 0.0, (0, 0, 1))
    caldera = Caldera(sill, 2500.0, 50.0, 1800.0, 0.4, hinge=180.0)
    azimuth = np.radians([15.0, 195.0])
    lifts = []
    for radius in (2300.0, 2700.0):
        place = radius * np.sin(azimuth), radius * np.cos(azimuth)
        lifts.append(caldera.displacement(*place)[:, 2] - sill.displacement(*place)[:, 2])
    (inside, hinged), (outside, beyond) = lifts
    # The slip of 0.4 across the fault opposite the hinge, nearly nothing across the hinge.
    assert inside - outside == pytest.approx(0.4, abs=0.08)
    assert abs(hinged - beyond) < 0.05


def test_tilted_spheroid_turns_with_its_trend(points):
    east, north = points
    plain = Spheroid(0.0, 0.0, 4000.0, (500.0, 700.0, 1500.0), plunge=30, trend=0)
    turned = Spheroid(0.0, 0.0, 4000.0, (500.0, 700.0, 1500.0), plunge=30, trend=90)
    # A quarter turn clockwise takes (east, north) to (north, -east).
    moved = plain.displacement(east, north)
    expected = np.stack([moved[:, 1], -moved[:, 0], moved[:, 2]], axis=-1)
    agree(turned.displacement(north, -east), expected)


@pytest.mark.parametrize(
    "source",
    [Dislocation(0, 0, 900, 2000, 2000, 0, 90, (0, 0, 1)), Spheroid(0, 0, 900, (500, 500, 1000))],
)
def test_source_that_breaks_the_surface_is_refused(source):
    with pytest.raises(ValueError, match="reaches the surface"):
        source.displacement(np.zeros(1), np.zeros(1))


DEEP = Dislocation(1000, -500, 1500, 4000, 3000, 30, 0, (0, 0, 1))


@pytest.mark.parametrize(
    "source",
    [
        Mogi(500.0, 100.0, 1200.0),
        Dislocation(1000, -500, 1800, 8000, 3000, 30, 90, (0, 0, 1)),
        Dislocation(18_000, -12_000, 1800, 8000, 3000, 30, 60, (1, 0, 0)),
        Spheroid(0, 0, 3000, (500, 800, 1800), 20, 50),
        Caldera(DEEP, 2500, 150, 1350, 0.5, 40.0),
    ],
    ids=["point", "dyke", "fault beside the frame", "spheroid", "caldera"],
)
@pytest.mark.parametrize("shape", [(48, 160), (131, 90)])
def test_on_a_grid_a_source_is_what_it_is_at_every_pixel(source, shape):
    grid = FrameGrid.around(10, 20, *shape)
    exact = source.displacement(*grid.local())
    moved = displacement_on(source, grid)
    assert np.abs(moved - exact).max() <= 1e-9 * np.abs(exact).max()


def test_a_large_grid_asks_a_source_at_few_of_its_pixels():
    asked = []

    class Counted(Mogi):
        def displacement(self, east, north):
            asked.append(np.size(east))
            return super().displacement(east, north)

    displacement_on(Counted(500.0, 100.0, 1200.0), FrameGrid.around(10, 20, 600, 900))
    assert sum(asked) < 600 * 900 / 20
