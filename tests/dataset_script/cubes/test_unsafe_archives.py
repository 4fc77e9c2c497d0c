"""Members of archives that would lead out of them."""

import tarfile
import zipfile

import pytest

from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import DataError


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:/evil", "a\\..\\b"])
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_members_that_climb_out_are_refused(tmp_path, name, form):
    path = tmp_path / f"evil.zarr.{form}"
    if form == "tar":
        with tarfile.open(path, "w") as archive:
            archive.addfile(tarfile.TarInfo(name))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), b"")
    with pytest.raises(DataError, match="unsafe member name") as error:
        Minicube.open(path)
    assert "do not trust" in str(error.value)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    path = tmp_path / "evil.zarr.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("frame.zarr/.zgroup")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(DataError, match="link or a device"):
        Minicube.open(path)


def test_links_in_a_zip_are_refused(tmp_path):
    path = tmp_path / "evil.zarr.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("frame.zarr/.zgroup")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="link or a device"):
        Minicube.open(path)
