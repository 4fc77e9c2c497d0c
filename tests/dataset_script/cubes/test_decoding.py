"""Stored numbers to meanings: fill values, ranges, types."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dataset_script.channels import MASKS
from dataset_script.cubes import decoding
from dataset_script.cubes.decoding import decode_raster, is_missing

GRID = (3, 4)


def fill_missing(name, stored, fill):
    return decoding.fill_missing(name, stored, is_missing(stored, fill))


phases = st.floats(-3.1415927410125732, 3.1415927410125732, width=32)


@given(hnp.arrays("f4", GRID, elements=phases))
def test_phase_keeps_every_bit(phase):
    found = decode_raster("insar_difference", fill_missing("insar_difference", phase, None))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.view("u4"), phase.view("u4"))


@given(hnp.arrays("u1", GRID), st.sampled_from(["f4", "f8", "i4", "i8", "u1"]))
def test_whole_coherence_becomes_bytes_whatever_it_was_stored_as(values, dtype):
    found = decode_raster("insar_coherence", values.astype(dtype))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values)


@given(
    hnp.arrays("i4", GRID, elements=st.integers(0, 2)),
    hnp.arrays("?", GRID),
    st.sampled_from([-1, -9999, 255, 2**31 - 1, -(2**31)]),
    st.sampled_from(MASKS),
)
def test_masks_mean_the_same_with_a_fill_value_as_without(mask, missing, fill, name):
    wanted = np.where(missing, 0, mask)
    whole = np.where(missing, fill, mask).astype("i4")
    broken = np.where(missing, np.nan, mask)
    for stored, declared in ((whole, fill), (broken, np.nan), (broken, None), (wanted, 0)):
        found = decode_raster(name, fill_missing(name, stored, declared))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, wanted)


def test_missing_phase_and_coherence_are_nodata_and_a_missing_elevation_is_an_error():
    for name in ("insar_difference", "insar_coherence"):
        for fill in (-9999.0, np.nan):
            stored = np.array([[fill, 1.0]], "f4")
            assert decode_raster(name, fill_missing(name, stored, fill)).tolist() == [[0, 1]]
            with pytest.raises(ValueError, match="no pixel that is not missing"):
                fill_missing(name, stored[:, :1], fill)
        with pytest.raises(ValueError, match="1 pixels that are NaN"):
            decode_raster(name, fill_missing(name, np.array([[np.nan, 1.0]], "f4"), -9999.0))
    stored = np.array([[-32768, 100]], "i2")
    with pytest.raises(ValueError, match="dem has 1 pixels"):
        decode_raster("dem", fill_missing("dem", stored, -32768))
    assert decode_raster("dem", fill_missing("dem", stored, None)).dtype == np.float32


def test_a_fill_value_of_zero_hides_nothing():
    sea = np.array([[0.0, 12.0]], "f4")
    assert fill_missing("dem", sea, 0.0) is sea


@pytest.mark.parametrize(
    ("name", "values", "complaint"),
    [
        ("insar_difference", [3.2], "outside"),
        ("insar_difference", [-np.inf], "NaN or infinite"),
        ("insar_coherence", [256], "1..256|256..256"),
        ("insar_coherence", [0.25, 0.5], "0..1 scale"),
        ("insar_coherence", [120.5], "not whole-numbered in 0..255$"),
        ("deformation_mask", [3], "not 0..2"),
        ("activity_type_mask", [-1], "not 0..255"),
        ("surface_pressure", ["high"], "not numbers"),
    ],
)
def test_what_means_nothing_is_refused(name, values, complaint):
    with pytest.raises(ValueError, match=complaint):
        decode_raster(name, np.array([values]))
