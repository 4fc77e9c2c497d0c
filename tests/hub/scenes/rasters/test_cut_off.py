"""Files that end before their headers say, as while they are copied: GDAL reads the rest as 0."""

import shutil

import pytest

from hub.inference.batch import predict_many
from hub.record.table import Record
from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene, read_options
from tests.hub.pointwise import pointwise
from tests.hub.scenes.products import planted as p
from tests.hub.scenes.products import written as w
from tests.hub.scenes.rasters.test_safety import vrt


def cut(path, bytes_left):
    path.write_bytes(path.read_bytes()[:bytes_left])
    return path


def snap(root):
    product = w.snap(root)
    return next(product.with_suffix(".data").glob("Phase_ifg*.img")), product


def alone(write):
    return lambda root: (write(root),) * 2


FLAT = {
    "envi": alone(w.envi),
    "isce2": alone(w.isce2),
    "isce2_vrt": alone(w.isce2_interferogram),
    "roi_pac": alone(w.roi_pac),
    "snap": snap,
}


@pytest.mark.parametrize("product", FLAT)
@pytest.mark.parametrize("share", [0, 0.6, 0.999])
def test_flat_numbers_that_were_cut_off_are_refused_by_name(tmp_path, product, share):
    data, given = FLAT[product](tmp_path)
    assert load_scene(given) is not None
    cut(data, int(share * data.stat().st_size))
    with pytest.raises(SceneError, match=rf"{data.name} (has \d+ of|is empty).*being copied"):
        load_scene(given)


def test_flat_numbers_in_a_zip_that_were_cut_off_before_are_refused(tmp_path):
    phase = w.envi(tmp_path / "plain")
    cut(phase, 1000)
    with pytest.raises(SceneError, match=rf"{phase.name} has 1000 of the"):
        load_scene(shutil.make_archive(str(tmp_path / "a"), "zip", phase.parent))


def test_a_virtual_raster_of_flat_numbers_that_were_cut_off_is_refused(tmp_path):
    phase = w.envi(tmp_path)
    virtual = vrt(tmp_path / "x_phase.vrt", phase.name, 1)
    options = read_options(outside=True)
    assert load_scene(virtual, options=options) is not None
    cut(phase, 1000)
    with pytest.raises(SceneError, match=rf"{phase.name} has 1000 of the"):
        load_scene(virtual, options=options)


def test_a_header_before_the_numbers_counts(tmp_path):
    phase = w.envi(tmp_path)
    header = phase.with_suffix(".hdr")
    header.write_text(header.read_text().replace("header offset = 0", "header offset = 64"))
    phase.with_name(phase.name + ".aux.xml").unlink()  # GDAL's own copy of the header
    with pytest.raises(SceneError, match="is still being copied"):
        load_scene(phase)
    phase.write_bytes(bytes(64) + phase.read_bytes())
    assert load_scene(phase).insar_difference[0][p.UPLIFT] < -2


def test_a_coherence_that_was_cut_off_is_left_out_and_told(tmp_path):
    phase = w.envi(tmp_path)
    cut(phase.with_name(f"{p.PAIR}.coh"), 1000)
    scene = load_scene(phase)
    assert scene.insar_coherence is None and "is still being copied" in " ".join(scene.warnings)


def test_what_is_still_being_copied_is_judged_once_it_is_there(tmp_path):
    phase = w.envi(tmp_path / "in")
    whole = phase.read_bytes()
    cut(phase, len(whole) // 2)
    model, out = pointwise(1), tmp_path / "out"
    batch = predict_many(model, [phase.parent], out, trust_times=True, progress=False)
    assert "is still being copied" in batch.failed[str(phase)] and not Record(out).rows()
    phase.write_bytes(whole)
    batch = predict_many(model, [phase.parent], out, trust_times=True, progress=False)
    assert not batch.failed and len(Record(out).rows()) == 1
