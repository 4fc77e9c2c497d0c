"""Loose files of every product: the page takes what `python -m hub predict` takes."""

import dataclasses
import gzip
import shutil

import h5py
import numpy as np
import pytest
from page.errors import PageError
from page.inputs import file_checks

from hub.scenes.inputs import find_inputs
from tests.hub.licsar import make_phase, write_tif
from tests.hub.scenes.products import written
from tests.spaces import scenes

MADE = {**written.PRODUCTS, "mintpy": (written.mintpy, "mintpy", True, True)}
LOOSE = ("hyp3", "isce2", "isce2_interferogram", "gmtsar", "pygmtsar", "mintpy", "aria", "nisar")


@pytest.fixture
def send(settings):
    from page.inputs.uploads import read_upload

    return lambda *paths, **changes: read_upload(paths, dataclasses.replace(settings, **changes))


@pytest.mark.parametrize("product", [*LOOSE, "roi_pac", "envi"])
def test_files_of_a_product_sent_one_by_one_are_read_as_predict_reads_them(send, tmp_path, product):
    make, name, coherence, _ = MADE[product]
    make(tmp_path / "product")
    expected = find_inputs([tmp_path / "product"], 3)[-1].load()
    files = [path for path in (tmp_path / "product").rglob("*") if path.is_file()]
    (tmp_path / "sent").mkdir()
    scene = send(*(shutil.copy(path, tmp_path / "sent") for path in files))
    assert scene.product == name
    np.testing.assert_array_equal(scene.insar_difference, expected.insar_difference)
    assert (scene.insar_coherence is not None) == coherence
    assert not any("/" in warning for warning in scene.warnings)


def test_of_several_primary_dates_the_last_is_read_and_that_is_said(send, tmp_path):
    for day in ("0101", "0107"):
        write_tif(tmp_path / f"2021{day}_20210113.geo.diff_pha.tif", make_phase(64, 64))
    scene = send(*tmp_path.glob("*.tif"))
    assert f"{scene.primary_date:%Y%m%d}" == "20210107"
    assert "the upload holds 2 scenes" in scene.warnings[0]


def test_gzip_is_unpacked_and_bounded(send, tmp_path):
    path = write_tif(tmp_path / "20210101_20210113.geo.diff_pha.tif", make_phase(64, 64))
    packed = tmp_path / f"{path.name}.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(send(packed).insar_difference[0], make_phase(64, 64))
    bomb = tmp_path / "bomb.tif.gz"
    bomb.write_bytes(gzip.compress(bytes(2**22)))
    with pytest.raises(PageError, match="unpacks to more than"):
        send(bomb, max_unpacked_bytes=2**21)


def _huge_axis(file):
    file.create_dataset("x", (2 * 10**9,), "f8", chunks=(1000,))


def _huge_chunk(file):
    file.create_dataset("z", (10**6, 10**6), "f4", chunks=(20_000, 20_000))


def _many_words(file):
    file.create_dataset("date", (10**7, 2), "S8", chunks=(1000, 2))


def _many_groups(file):
    for number in range(101):
        file.create_group(f"{number}")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_huge_axis, "2,000,000,000 values in x"),
        (_huge_chunk, "chunks of 1,526 MB in z"),
        (_many_words, "20,000,000 values in date"),
        (_many_groups, "more than 100 "),
    ],
)
def test_an_hdf5_that_asks_for_trouble(send, tmp_path, make, said, monkeypatch):
    monkeypatch.setattr(file_checks, "MAX_OBJECTS", 100)
    path = tmp_path / "S1-GUNW.h5"
    with h5py.File(path, "w") as file:
        make(file)
    assert path.stat().st_size < 20 * 2**20
    with pytest.raises(PageError, match=said):
        send(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.h5", b"\x89HDF\r\n\x1a\n" + b"x" * 99, "damaged HDF5"),
        ("a.img", b"x" * 99, "has no header beside it"),
        ("a.dim", b"<Dimap_Document/>", "zip both"),
        ("a.hdr", b"ENVI", "only what lies beside one"),
        ("a.gz", b"\x1f\x8b" + b"x" * 99, "damaged gzip"),
        (
            "a.vrt",
            b'<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand><SimpleSource>'
            b"<SourceFilename>/etc/hostname</SourceFilename></SimpleSource></VRTRasterBand>"
            b"</VRTDataset>",
            "outside of its own folder",
        ),
    ],
)
def test_other_files_are_told_plainly(send, tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PageError, match=said):
        send(path)


def test_a_warning_names_a_file_and_not_where_it_lies(send, tmp_path):
    """A coherence that cannot be read is left out, which is said by its name."""
    path = write_tif(tmp_path / "20210101_20210113.geo.diff_pha.tif", make_phase(64, 64))
    coherence = scenes.write_tiff(
        tmp_path / "20210101_20210113.geo.cc.tif", np.full((64, 64), 200, "uint8")
    )
    coherence.write_bytes(coherence.read_bytes()[:2000])
    said = " ".join(send(path, coherence).warnings)
    assert "20210101_20210113.geo.cc.tif" in said and "/" not in said
