"""Areas and outlines on the ellipsoid."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from hub.inference import polygons
from hub.inference.polygons import cut_at_antimeridian, find_regions, mask_area_km2

GRIDS = {
    "equator": (Affine(0.001, 0, 30, 0, -0.001, 0), "EPSG:4326"),
    "iceland": (Affine(0.001, 0, -17, 0, -0.001, 65), "EPSG:4326"),
    "utm": (Affine(100, 0, 500_000, 0, -100, 1_500_000), "EPSG:32637"),
    "antimeridian": (Affine(100, 0, 824_000, 0, -100, 1_500_000), "EPSG:32660"),
    "south up": (Affine(0.001, 0, 30, 0, 0.001, -20), "EPSG:4326"),
}


def test_a_square_of_known_size():
    mask = np.zeros((40, 40), bool)
    mask[10:20, 10:20] = True
    # A hundredth of a degree at the equator: 1.11319 km of longitude by 1.10574 of latitude.
    assert mask_area_km2(mask, *GRIDS["equator"]) == pytest.approx(1.11319 * 1.10574, rel=1e-4)
    assert mask_area_km2(mask, *GRIDS["iceland"]) == pytest.approx(0.47202 * 1.11494, rel=1e-3)
    # A UTM metre is 0.9996 of one along the central meridian.
    assert mask_area_km2(mask, *GRIDS["utm"]) == pytest.approx(1 / 0.9996**2, rel=1e-4)


@pytest.mark.parametrize("grid", GRIDS)
@given(mask=arrays(bool, (12, 15)))
@settings(max_examples=25, deadline=None)
def test_patches_add_up_to_the_mask(grid, mask):
    regions = find_regions(mask, np.ones(mask.shape, "float32"), *GRIDS[grid])
    assert sum(region.pixels for region in regions) == mask.sum()
    total = sum(region.area_km2 for region in regions)
    assert total == pytest.approx(mask_area_km2(mask, *GRIDS[grid]), rel=1e-3, abs=1e-9)
    assert all(region.polygon.is_valid for region in regions)
    assert all(region.polygon.exterior.is_ccw for region in regions)


def test_a_hole_is_no_area_and_probabilities_are_of_the_inside():
    mask = np.zeros((30, 30), bool)
    mask[5:25, 5:25] = True
    mask[10:20, 10:20] = False
    mask[0, 0] = True
    probability = np.where(mask, 0.8, 0.1).astype("float32")
    probability[6, 6] = 0.9
    ring, dot = find_regions(mask, probability, *GRIDS["equator"])
    assert (ring.pixels, dot.pixels) == (300, 1)
    assert len(ring.polygon.interiors) == 1
    assert ring.max_probability == pytest.approx(0.9)
    assert ring.mean_probability == pytest.approx((299 * 0.8 + 0.9) / 300)
    assert ring.polygon.centroid.x == pytest.approx(30.015, abs=1e-6)


def test_only_the_largest_are_outlined_but_all_are_measured(monkeypatch):
    monkeypatch.setattr(polygons, "MAX_POLYGONS", 3)
    mask = np.zeros((20, 20), bool)
    for number in range(6):
        mask[3 * number, : number + 1] = True
    regions = find_regions(mask, np.ones(mask.shape, "float32"), *GRIDS["equator"])
    assert [region.pixels for region in regions] == [6, 5, 4]
    one = regions[0].area_km2 / 6
    assert mask_area_km2(mask, *GRIDS["equator"]) == pytest.approx(21 * one, rel=1e-4)


def test_a_patch_across_the_antimeridian_is_cut_there():
    ring = shapely.box(179.5, -17, 180.5, -16).difference(shapely.box(179.9, -16.6, 180.1, -16.4))
    two = cut_at_antimeridian(ring)
    assert two.is_valid and two.geom_type == "MultiPolygon"
    assert [part.bounds for part in two.geoms] == [(179.5, -17, 180, -16), (-180, -17, -179.5, -16)]
    assert two.area == pytest.approx(ring.area)
    for whole, there in ((180, -180), (181, -179), (-190, 170)):
        moved = cut_at_antimeridian(shapely.box(whole, 0, whole + 1, 1))
        assert moved.equals(shapely.box(there, 0, there + 1, 1)) and moved.exterior.is_ccw
    inside = shapely.box(179, 0, 180, 1)
    assert cut_at_antimeridian(inside) is inside


def test_an_empty_mask_has_no_area():
    mask = np.zeros((5, 5), bool)
    assert mask_area_km2(mask, *GRIDS["utm"]) == 0
    assert find_regions(mask, mask.astype("float32"), *GRIDS["utm"]) == []
