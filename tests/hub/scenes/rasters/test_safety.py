"""Files that name other files."""

import zipfile

import h5py
import numpy as np
import pytest

from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene, read_options
from tests.hub.licsar import make_phase, write_tif
from tests.hub.scenes.products import planted, written


def vrt(path, source, relative=0):
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        '<VRTDataset rasterXSize="180" rasterYSize="150"><SRS>EPSG:4326</SRS>'
        "<GeoTransform>40.6,0.001,0,13.9,0,-0.001</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="{relative}">{source}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    return path


def test_sources_of_a_virtual_raster_lie_in_its_folder_unless_it_is_ones_own(tmp_path):
    phase = make_phase(150, 180)
    inside = write_tif(tmp_path / "sent" / "source.tif", phase)
    outside = write_tif(tmp_path / "secret.tif", phase)
    good = vrt(tmp_path / "sent" / "a_phase.vrt", inside.name, 1)
    assert np.array_equal(load_scene(good).insar_difference[0], phase)
    bad = vrt(tmp_path / "sent" / "b_phase.vrt", outside)
    with pytest.raises(SceneError, match="outside of its own folder"):
        load_scene(bad)
    assert np.array_equal(
        load_scene(bad, options=read_options(outside=True)).insar_difference[0], phase
    )
    nested = vrt(tmp_path / "sent" / "c_phase.vrt", bad.name, 1)
    with pytest.raises(SceneError, match="outside of its own folder"):
        load_scene(nested)
    for source, said in (
        ("/vsicurl/http://127.0.0.1:9/x.tif", "only plain files"),
        ("http://127.0.0.1:9/x.tif", "only plain files"),
        ('NETCDF:"x.nc":z', "only plain files"),
        ("missing.tif", "does not exist"),
    ):
        with pytest.raises(SceneError, match=said):
            load_scene(
                vrt(tmp_path / "sent" / "d_phase.vrt", source), options=read_options(outside=True)
            )
    with pytest.raises(SceneError, match="nested too deeply"):
        load_scene(vrt(tmp_path / "sent" / "e_phase.vrt", "e_phase.vrt", 1))


def test_a_strangers_virtual_raster_has_geotiffs_alone_behind_it(tmp_path):
    """GDAL takes a source by its content: a text may name addresses and files."""
    source = tmp_path / "sent" / "source.tif"
    source.parent.mkdir()
    source.write_text("<GDAL_WMS><Service name='TMS'/></GDAL_WMS>")
    bad = vrt(tmp_path / "sent" / "a_phase.vrt", source.name, 1)
    with pytest.raises(SceneError, match="which is no GeoTIFF"):
        load_scene(bad)
    bad.write_text(
        bad.read_text().replace("<VRTDataset", '<VRTDataset subClass="VRTProcessedDataset"')
    )
    with pytest.raises(SceneError, match="of a kind that is not followed"):
        load_scene(bad)


def test_links_in_hdf5_lead_nowhere(tmp_path):
    other = written.mintpy(tmp_path / "other")
    path = written.mintpy(tmp_path / "sent")
    with h5py.File(path, "a") as file:
        del file["unwrapPhase"]
        file["unwrapPhase"] = h5py.ExternalLink(str(other), "/unwrapPhase")
    with pytest.raises(SceneError, match="a link to another file"):
        load_scene(path)
    with h5py.File(path, "a") as file:
        del file["unwrapPhase"]
        file.create_dataset(
            "unwrapPhase",
            (2, planted.HEIGHT, planted.WIDTH),
            "f4",
            external=[(str(other), 0, h5py.h5f.UNLIMITED)],
        )
    with pytest.raises(SceneError, match="stored in another file"):
        load_scene(path)


def test_members_that_climb_out_of_an_archive_are_not_read(tmp_path):
    source = written.hyp3(tmp_path / "plain")
    archive = tmp_path / "sent.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in source.iterdir():
            out.write(path, f"../{source.name}/{path.name}")
    with pytest.raises(SceneError, match="no phase of any product"):
        load_scene(archive)
