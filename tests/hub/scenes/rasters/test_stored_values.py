"""Numbers as a file stores them: scales, units, and fill values that are none of the usual."""

import h5py
import numpy as np
import pytest
import rasterio
from scipy.io import netcdf_file

from hub.scenes.checks import SceneError
from hub.scenes.inputs import find_inputs
from hub.scenes.load import load_scene, read_options
from hub.scenes.rasters.no_data import stored_fill
from tests.hub.scenes.products import planted as p
from tests.hub.scenes.products import written as w

TRUE_COHERENCE = int(np.rint(p.COHERENCE[p.UPLIFT] * 255))


def coherence_at(scene):
    return int(scene.insar_coherence[0][p.UPLIFT])


def scaled(path, values, dtype, scale, **more):
    p.tif(path, np.rint(values / scale).astype(dtype), **more)
    with rasterio.open(path, "r+") as file:
        file.scales = (scale,)
    return path


@pytest.mark.parametrize(
    ("dtype", "scale"), [("uint16", 1 / 20000), ("uint16", 1 / 65535), ("int16", 1e-4)]
)
def test_a_scaled_coherence_keeps_all_its_values(tmp_path, dtype, scale):
    phase = p.tif(tmp_path / "e_phase.tif", p.PHASE)
    scaled(tmp_path / "e_coh.tif", p.COHERENCE, dtype, scale)
    found = load_scene(phase).insar_coherence[0]
    np.testing.assert_allclose(found, p.COHERENCE * 255, atol=0.6)


def test_a_scaled_phase_and_elevation_keep_all_their_values(tmp_path):
    phase = scaled(tmp_path / "e_phase.tif", p.PHASE + 0.001, "int32", 1e-6)
    scaled(tmp_path / "e_dem.tif", p.HEIGHTS, "int32", 0.01)
    scene = load_scene(phase)
    np.testing.assert_allclose(scene.insar_difference[0], p.PHASE + 0.001, atol=2e-6)
    np.testing.assert_allclose(scene.dem, p.HEIGHTS, atol=0.01)


def test_a_fill_value_is_told_from_a_stored_measurement():
    measured = np.linspace(-10_000, 10_000, 20_001).astype("int32")[None]
    assert not stored_fill(measured).any()
    for fill in (-99999, np.iinfo("int32").min):
        assert stored_fill(np.append(measured, np.int32(fill))[None]).sum() == 1
    assert stored_fill(np.array([[-9999, -9999]], "int16")).all()
    turn = np.arange(-32767, 32768).astype("int16")[None]  # pi / 32767 a step: the ends are pi
    assert not stored_fill(turn).any()


def test_a_scale_of_hdf5_is_applied(tmp_path):
    path = w.aria(tmp_path)
    with h5py.File(path, "r+") as file:
        group = file["science/grids/data"]
        rows = group["latitude"][:]
        stored = np.rint(p.COHERENCE / 0.005).astype("uint8")
        del group["coherence"]
        group["coherence"] = stored if rows[0] > rows[-1] else stored[::-1]
        group["coherence"].attrs["scale_factor"] = 0.005
    assert coherence_at(load_scene(path)) == pytest.approx(TRUE_COHERENCE, abs=1)


def test_a_unit_that_the_file_says_is_believed(tmp_path):
    phase = p.tif(tmp_path / "g_unw.tif", p.TURNS)
    dem = p.tif(tmp_path / "g_dem.tif", (p.HEIGHTS / 0.3048).astype("float32"))
    with rasterio.open(dem, "r+") as file:
        file.units = ("ft",)
    assert load_scene(phase).dem[p.UPLIFT] == pytest.approx(p.HEIGHTS[p.UPLIFT], abs=0.1)
    for unit in ("mm", "metres", "degrees"):
        with rasterio.open(phase, "r+") as file:
            file.units = (unit,)
        with pytest.raises(SceneError, match=f"its unit is {unit}; .*--units"):
            load_scene(phase)
    insisted = {unit: read_options(units=unit) for unit in ("degrees", "radians")}
    said = {unit: load_scene(phase, options=insisted[unit]).warnings for unit in insisted}
    assert "its unit is degrees; it was read as radians" in " ".join(said["radians"])
    assert "its unit" not in " ".join(said["degrees"])


def of_hdf5(path, dataset, unit):
    with h5py.File(path, "r+") as file:
        file[dataset].attrs["units"] = unit
    return path


def of_a_classic_grid(path, unit):
    with netcdf_file(path, "a") as file:
        file.variables["z"].units = unit
    return path


def of_envi(path, unit):
    with path.with_suffix(".hdr").open("a") as header:
        header.write(f"data units = {{{unit}}}\n")
    return path


NISAR = "science/LSAR/GUNW/grids/frequencyA/unwrappedInterferogram/HH/unwrappedPhase"
SAYING = {
    "aria": lambda root, unit: of_hdf5(w.aria(root), "science/grids/data/unwrappedPhase", unit),
    "nisar": lambda root, unit: of_hdf5(w.nisar(root), NISAR, np.bytes_(unit)),
    "pygmtsar": lambda root, unit: of_hdf5(w.pygmtsar(root), "z", unit),
    "gmtsar": lambda root, unit: of_a_classic_grid(w.gmtsar(root), unit),
    "envi": lambda root, unit: of_envi(w.envi(root), unit),
    "tags": lambda root, unit: p.tif(root / "a_unw.tif", p.TURNS, units=unit),
}


@pytest.mark.parametrize("product", SAYING)
@pytest.mark.parametrize("unit", ["m", "mm", "meters", "ft", "degrees", "cycles", "mm/yr"])
def test_every_kind_of_file_can_say_its_unit(tmp_path, product, unit):
    path = SAYING[product](tmp_path, unit)
    with pytest.raises(SceneError, match=f"its unit is {unit}; .*--units"):
        load_scene(path)
    assert load_scene(path, options=read_options(units="radians")) is not None


@pytest.mark.parametrize("product", SAYING)
@pytest.mark.parametrize("unit", ["radians", "rad", "1", "phase"])
def test_a_unit_that_says_nothing_else_leaves_a_phase_as_it_is(tmp_path, product, unit):
    scene = load_scene(SAYING[product](tmp_path, unit))
    assert scene.insar_difference[0][p.UPLIFT] < -2


def test_a_stack_says_the_unit_of_its_phase(tmp_path):
    path = w.mintpy(tmp_path)
    for unit in ("radian", "m"):
        with h5py.File(path, "r+") as file:
            file.attrs["UNIT"] = unit
        (first, *_) = find_inputs([path], 1)
        if unit == "radian":
            assert first.load() is not None
    with pytest.raises(SceneError, match="its unit is m; "):
        first.load()


def test_an_elevation_is_in_metres_whatever_its_unit(tmp_path):
    peak = np.float32(4392)  # Mount Rainier, 14,409 feet
    heights = np.where(p.ABSENT, -9999, p.HEIGHTS / p.HEIGHTS.max() * peak)
    for unit, metres in (("ft", 0.3048), ("km", 1000), ("m", 1)):
        phase = w.gmtsar(tmp_path / unit)
        dem = tmp_path / unit / "topo" / "topo_ll.grd"
        w._classic_grid(dem, np.where(p.ABSENT, -9999, heights / metres))
        of_a_classic_grid(dem, unit)
        found = load_scene(phase).dem
        assert np.nanmax(found) == pytest.approx(peak, rel=1e-5)
        assert np.array_equal(np.isnan(found), p.ABSENT)


@pytest.mark.parametrize("fill", [-1.0, 2.5, -99.0])
def test_a_fill_value_of_ordinary_size_is_no_data_and_that_is_said(tmp_path, fill):
    noise = np.random.default_rng(0).normal(0, 0.1, p.PHASE.shape)  # a real field never repeats
    phase = np.where(p.ABSENT, fill, p.PHASE + noise).astype("float32")
    scene = load_scene(p.tif(tmp_path / "a_phase.tif", phase))
    assert np.array_equal(scene.nodata, p.ABSENT)
    assert f"is exactly {fill:g}: taken as no data" in " ".join(scene.warnings)


def test_a_phase_of_few_values_keeps_all_of_them(tmp_path):
    coarse = (np.rint(p.PHASE * 20) / 20 + 0.01).astype("float32")
    scene = load_scene(p.tif(tmp_path / "a_phase.tif", coarse))
    assert not scene.nodata.any()
