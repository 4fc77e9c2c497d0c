"""Cubes and shards read straight from a Hub repository, by hf:// URL."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from huggingface_hub import HfApi, HfFileSystem

from dataset_script.cubes.locations import find_minicubes
from dataset_script.cubes.minicube import Minicube
from dataset_script.errors import DataError
from dataset_script.source.inspection import inspect
from dataset_script.source.source import open_source
from dataset_script.webdataset.shards import read_rows, shard_path, to_dataset
from tests.cubes import FRAME, make_cube, pack, write_cube
from tests.dataset_script.exporting import make_cubes
from tests.hub.conftest import use_server
from tests.hub_server.server import TOKEN, HubServer
from tests.rows import make_row, write_tar


@pytest.fixture
def upload(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    HfFileSystem.clear_instance_cache()
    with HubServer() as server:
        use_server(monkeypatch, server)

        def push(folder, name):
            api = HfApi(endpoint=server.url, token=TOKEN)
            api.create_repo(name, repo_type="dataset")
            api.upload_folder(folder_path=folder, repo_id=name, repo_type="dataset")
            return f"hf://datasets/{name}"

        yield push
    HfFileSystem.clear_instance_cache()


@pytest.mark.parametrize("form", ["directory", "zip", "tar"])
def test_a_cube_on_the_hub(upload, tmp_path, form):
    source = make_cube()
    path = write_cube(source, tmp_path / "cubes")
    if form != "directory":
        path = pack(path, form)
    url = upload(path.parent, "NS/minicubes")
    assert find_minicubes(url) == {FRAME: f"{url}/{path.name}"}
    with Minicube.open(f"{url}/{path.name}") as cube:
        pair = min(cube.pairs)
        wanted = source.sel(primary_date=str(pair[0]), secondary_date=str(pair[1]))
        np.testing.assert_array_equal(
            cube.read("insar_difference", *pair), wanted.insar_difference.values
        )
        assert cube.read_pair_field("caption", *pair) == wanted.caption
    assert [frame.pairs for frame in inspect(url).frames] == [12]
    with pytest.raises(DataError, match="check the URL"):
        Minicube.open(f"{url}/nowhere.zarr.{form}")


def test_a_webdataset_on_the_hub(upload, tmp_path):
    rows = [make_row(np.random.default_rng(0), i, 3, 32) for i in range(2)]
    write_tar(tmp_path / "shards" / shard_path(3, "test", True, 0), rows)
    url = upload(tmp_path / "shards", "NS/Thalia")
    read = list(read_rows(url, "test", 3))
    for found, wanted in zip(read, rows, strict=True):
        np.testing.assert_array_equal(found["insar_difference"], wanted["insar_difference"])
    dataset = to_dataset(url, "test", cache_dir=tmp_path / "arrow")
    assert dataset["label"] == [0, 1]
    with pytest.raises(DataError, match="check the URL"):
        to_dataset("hf://datasets/NS/nowhere")


class _Objects(SimpleHTTPRequestHandler):
    """Files alone, as an object store has them: a folder is not there."""

    def list_directory(self, path):
        self.send_error(404)

    def log_message(self, *args):
        pass


def test_a_cube_folder_over_http(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", (FRAME,))
    handler = partial(_Objects, directory=str(cubes))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{FRAME}.zarr"
        first = open_source(url, cubes).fingerprint()
        assert first == open_source(url, cubes).fingerprint()
        metadata = cubes / f"{FRAME}.zarr" / ".zmetadata"
        metadata.write_text(metadata.read_text() + " ")
        assert first != open_source(url, cubes).fingerprint()
        server.shutdown()
