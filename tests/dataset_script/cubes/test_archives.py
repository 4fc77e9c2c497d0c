"""Archives and URLs: the index of a tar, what is refused, and cubes across a network."""

import http.server
import io
import json
import os
import random
import shutil
import tarfile
import threading
from functools import partial
from pathlib import Path

import fsspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_script.cubes import tar_index as tar_index_module
from dataset_script.cubes.locations import find_minicubes
from dataset_script.cubes.minicube import Minicube
from dataset_script.cubes.tar_index import build_index, tar_index
from dataset_script.errors import DataError
from tests.cubes import FRAME, make_cube, write_cube


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("form", ["directory", "zip", "tar"])
@pytest.mark.parametrize("name", ["what?", "x::y", "file::a#b%20"])
def test_what_means_something_in_urls_means_nothing_in_local_names(source, tmp_path, name, form):
    path = write_cube(source, tmp_path / "plain", form)
    path = path.parent.rename(tmp_path / name) / path.name
    assert find_minicubes(path.parent) == find_minicubes(path) == {FRAME: str(path)}
    with Minicube.open(path) as cube:
        assert len(cube.pairs) == 12
        cube.read("insar_difference", *min(cube.pairs))


@pytest.fixture(scope="module")
def source():
    return make_cube()


@pytest.fixture(scope="module")
def packed(source, tmp_path_factory):
    """The cube in each form, by form."""
    folder = tmp_path_factory.mktemp("packed")
    forms = {form: write_cube(source, folder, form) for form in ("tar", "zip")}
    return forms | {"directory": write_cube(source, folder)}


def check(path, source):
    with Minicube.open(path) as cube:
        for primary, secondary in sorted(cube.pairs)[::7]:
            wanted = source.sel(primary_date=str(primary), secondary_date=str(secondary))
            found = cube.read("insar_difference", primary, secondary)
            np.testing.assert_array_equal(found, wanted.insar_difference.values)
        np.testing.assert_array_equal(cube.read_static(), source.dem.values)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.text("abcdef/", min_size=1, max_size=120).map(
            lambda name: "/".join(part for part in name.split("/") if part) or "a"
        ),
        st.binary(max_size=2000),
        max_size=8,
    ),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_the_index_of_any_tar_finds_every_byte(members, kind):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    content = buffer.getvalue()
    fsspec.filesystem("memory").pipe("/any.tar", content)
    index = build_index("memory://any.tar")
    assert {name: content[at : at + size] for name, (at, size) in index.items()} == members


def test_the_index_lies_beside_the_tar_and_is_used_again(packed, tmp_path, source, monkeypatch):
    path = shutil.copy(packed["tar"], tmp_path)
    check(path, source)
    saved = tmp_path / f"{FRAME}.zarr.tar.index.json"
    assert json.loads(saved.read_text())["size"] == Path(path).stat().st_size
    monkeypatch.setattr(tar_index_module, "build_index", lambda path: pytest.fail("indexed again"))
    check(path, source)


def test_a_changed_tar_is_indexed_anew(packed, tmp_path, source):
    path = Path(shutil.copy(packed["tar"], tmp_path))
    first = tar_index(str(path))
    # The same members one block later, under the same name.
    with tarfile.open(path) as archive:
        contents = {m.name: archive.extractfile(m).read() for m in archive if m.isreg()}
    with tarfile.open(path, "w") as archive:
        for name, content in {f"{FRAME}.zarr/extra": b"x" * 700, **contents}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    second = tar_index(str(path))
    assert len(second) == len(first) + 1
    check(path, source)


@pytest.mark.parametrize("restored", [False, True])
def test_a_tar_rewritten_in_the_same_size_is_indexed_anew(tmp_path, restored):
    """As a tool does that repairs a tar in place, and one that keeps the times of files too."""
    path, contents = tmp_path / "a.tar", {"a": b"first" * 100, "b": b"other" * 200}

    def write(names):
        with tarfile.open(path, "w") as archive:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = len(contents[name])
                archive.addfile(info, io.BytesIO(contents[name]))

    write("ab")
    before, first = path.stat(), tar_index(str(path))
    write("ba")
    assert path.stat().st_size == before.st_size
    later = 0 if restored else 10**9
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + later))
    second = tar_index(str(path))
    assert second == build_index(str(path)) != first


def test_an_index_that_cannot_be_saved_beside_goes_to_the_cache(
    packed, tmp_path, cache, monkeypatch
):
    path = shutil.copy(packed["tar"], tmp_path)
    save = tar_index_module._save

    def sealed(place, record):
        if place.parent == tmp_path:
            raise PermissionError(13, "Permission denied", str(place))
        save(place, record)

    monkeypatch.setattr(tar_index_module, "_save", sealed)
    index = tar_index(path)
    assert len(list(cache.rglob("*.json"))) == 1
    monkeypatch.setattr(tar_index_module, "build_index", lambda path: pytest.fail("indexed again"))
    assert tar_index(path) == index


@pytest.mark.parametrize("content", ["{", "[]", '{"size": 1}', "{}"])
def test_a_broken_index_is_made_again(packed, tmp_path, source, content):
    path = shutil.copy(packed["tar"], tmp_path)
    (tmp_path / f"{FRAME}.zarr.tar.index.json").write_text(content)
    check(path, source)


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_a_truncated_archive_is_an_error(packed, tmp_path, form):
    content = packed[form].read_bytes()
    random.seed(0)
    cuts = [0, 1, 511, 700, len(content) // 2, len(content) - 12000]
    for cut in [*cuts, *(random.randrange(len(content) - 11000) for _ in range(6))]:
        path = tmp_path / f"{cut}.zarr.{form}"
        path.write_bytes(content[:cut])
        with pytest.raises(DataError, match="truncated or damaged archive") as error:
            Minicube.open(path)
        assert f"{path}, frame {cut}: " in str(error.value)
        assert "fetch it again" in str(error.value)


def test_a_tar_cut_between_two_members_is_an_error(packed, tmp_path):
    content = packed["tar"].read_bytes()
    with tarfile.open(packed["tar"]) as archive:
        member = archive.getmembers()[40]
    end = member.offset_data + -(-member.size // 512) * 512
    path = tmp_path / "cut.zarr.tar"
    path.write_bytes(content[:end])
    with pytest.raises(DataError, match="without an end mark"):
        Minicube.open(path)


def test_a_compressed_tar_and_two_cubes_in_one_are_errors(packed, tmp_path):
    squeezed = tmp_path / "cube.zarr.tar.gz"
    squeezed.write_bytes(b"")
    with pytest.raises(DataError, match="no cube that can be read in place"):
        Minicube.open(squeezed)
    path = tmp_path / "two.zarr.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("a.zarr", "b.zarr"):
            archive.add(packed["directory"] / ".zgroup", f"{name}/.zgroup")
    with pytest.raises(DataError, match="holds 2 Zarr groups"):
        Minicube.open(path)


def test_names_that_begin_with_a_dot_are_fine(packed, tmp_path, source):
    path = tmp_path / f"{FRAME}.zarr.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(packed["directory"], f"./{FRAME}.zarr")
    check(path, source)


@pytest.mark.parametrize("form", ["directory", "tar", "zip"])
def test_cubes_at_file_and_memory_urls(packed, source, form):
    check(packed[form].as_uri(), source)
    memory = fsspec.filesystem("memory")
    memory.put(str(packed[form]), f"/bucket/{packed[form].name}", recursive=True)
    check(f"memory://bucket/{packed[form].name}", source)
    assert f"memory://bucket/{packed[form].name}" in find_minicubes("memory://bucket").values()
    memory.rm("/bucket", recursive=True)


def test_a_folder_around_a_cube_at_a_url(packed, source):
    memory = fsspec.filesystem("memory")
    memory.put(str(packed["directory"]), f"/around/{FRAME}.zarr", recursive=True)
    check("memory://around", source)
    memory.rm("/around", recursive=True)


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves files and single byte ranges of them."""

    def log_message(self, *_):
        pass

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        content = path.read_bytes()
        wanted = self.headers.get("Range")
        first, last = 0, len(content) - 1
        if wanted:
            start, _, stop = wanted.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(stop or last), last)
        part = content[first : last + 1]
        self.send_response(206 if wanted else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(part)))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            self.server.ranges.append(len(part))
        self.end_headers()
        return io.BytesIO(part)


@pytest.fixture
def server(packed):
    handler = partial(_Ranges, directory=packed["tar"].parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.ranges = []
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("form", ["directory", "tar", "zip"])
def test_cubes_over_http(packed, source, server, form, cache):
    url = f"http://127.0.0.1:{server.server_port}/{packed[form].name}"
    check(url, source)
    assert len(list(cache.rglob("*.json"))) == (form == "tar")
    with pytest.raises(DataError, match=r"no such file|cannot be read|Zarr group|reached"):
        Minicube.open(url.replace(FRAME, "nowhere"))


def test_a_remote_tar_is_read_in_ranges_once_it_is_indexed(packed, server):
    url = f"http://127.0.0.1:{server.server_port}/{packed['tar'].name}"
    with Minicube.open(url) as cube:
        pair = min(cube.pairs)
    server.ranges.clear()
    with Minicube.open(url) as cube:
        cube.read("insar_difference", *pair)
    assert 0 < sum(server.ranges) < packed["tar"].stat().st_size / 4


@pytest.mark.parametrize("name", ["cube.zarr", "cube.zarr.tar", "cube.zarr.zip"])
def test_what_is_out_of_reach_is_an_error(name):
    for url in (f"http://127.0.0.1:9/{name}", f"hf://datasets/some/where/{name}"):
        with pytest.raises(DataError, match="check the URL, the network and your access") as error:
            Minicube.open(url)
        assert url in str(error.value)
    with pytest.raises(DataError, match="check the URL, the network"):
        find_minicubes("hf://datasets/some/where")


def test_an_unknown_protocol_is_an_error():
    with pytest.raises(DataError, match="check the URL"):
        Minicube.open("gopher://somewhere/cube.zarr.tar")
