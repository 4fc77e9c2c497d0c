"""Whatever a file holds, a reader gives its content or says in one line what is wrong."""

import copy
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_script.annotations.json_files import parse_json
from dataset_script.annotations.reading import read_annotations, read_frame_names
from dataset_script.annotations.record import from_record
from dataset_script.annotations.series import build_timeseries_record, read_groups
from dataset_script.cubes.minicube import Minicube
from dataset_script.cubes.tar_index import tar_index
from dataset_script.errors import HephaestusError
from dataset_script.rows.tables import rows_to_table
from dataset_script.shards.finding import find_samples
from dataset_script.shards.writers import rows_file
from dataset_script.source.checks import check_cube
from dataset_script.webdataset.sample_files import decode_sample, encode_sample, shard_features
from dataset_script.webdataset.torch_files import dumps, loads
from tests.cubes import make_cube, make_records, pack, write_cube
from tests.rows import make_row

RECORDS = make_records()
ANNOTATIONS = {int(number): from_record(record) for number, record in RECORDS.items()}
SERIES = build_timeseries_record(ANNOTATIONS)
SMALL = {number: RECORDS[number] for number in ("1", "2")}
# What breaks readers: other types, the ends of a type, half a character, words of other formats.
ODD = st.sampled_from(
    [
        *(None, True, 0, -1, 2**70, 1e308, float("nan"), float("inf"), -9999, 0.5, 20180105),
        *("", "abc", "NaN", "\x00", "half a \ud83c", "20180105", "<f4", "|O", "latitude"),
        *("days since 0", "EPSG:32633", "line\nline", [], [1], [[1]], [None], {}, {"a": 1}),
    ]
)
ATTRIBUTES = ("scale_factor", "add_offset", "_FillValue", "missing_value", "units", "frame_id")
few = settings(
    max_examples=80,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def changed(draw, value):
    """A JSON value with one of its parts lost or replaced, at any depth."""
    value = copy.deepcopy(value)
    part, parts = value, None
    while isinstance(part, dict | list) and part and (parts is None or draw(st.integers(0, 5))):
        parts = part
        key = draw(st.sampled_from(list(part) if isinstance(part, dict) else range(len(part))))
        part = part[key]
    if draw(st.integers(0, 3)):
        parts[key] = draw(ODD)
    else:
        del parts[key]
    return value


@st.composite
def damaged(draw, content):
    """Bytes with some of them changed, mostly near the ends, where formats keep their tables."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        places = st.integers(0, min(len(content), 600) - 1)
        near = draw(st.sampled_from([draw(places), -1 - draw(places)]))
        content[near] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.sampled_from([len(content), len(content) // 2]))])


def read(reader):
    try:
        reader()
    except HephaestusError as error:
        assert len(str(error).splitlines()) == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@few
@given(st.binary(max_size=40) | st.text('[]{}":,0123456789eE+-.\\u ', max_size=40).map(str.encode))
def test_json(content):
    read(lambda: parse_json(content, "file"))


@settings(few, max_examples=250)
@given(changed(RECORDS), changed(SERIES), changed({"a": "x, y", "b": "z"}))
def test_annotations(folder, records, series, names):
    for name, content in (("annotations", records), ("timeseries", series), ("frame_names", names)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    for problems in ([], None):
        read(lambda p=problems: read_annotations(folder, p))
        read(lambda p=problems: read_groups(folder, ANNOTATIONS, p))
    read(lambda: read_frame_names(folder))


@pytest.fixture(scope="module")
def cube(folder):
    path = write_cube(make_cube(SMALL, height=6, width=8), folder)
    return path, json.loads((path / ".zmetadata").read_text())


def look_through(path):
    with Minicube.open(path) as opened:
        check_cube(opened, [ANNOTATIONS[1], ANNOTATIONS[2]], deep=True)
        opened.read_static()
        opened.bounds()
        assert opened.crs


@settings(few, max_examples=40)
@given(st.data())
def test_metadata_of_a_cube(cube, data):
    path, metadata = cube
    name = data.draw(st.sampled_from(sorted(metadata["metadata"])))
    metadata = copy.deepcopy(metadata)
    if name.endswith(".zattrs"):
        metadata["metadata"][name][data.draw(st.sampled_from(ATTRIBUTES))] = None
    metadata["metadata"][name] = data.draw(changed(metadata["metadata"][name]))
    (path / ".zmetadata").write_text(json.dumps(metadata))
    read(lambda: look_through(path))


@pytest.fixture(scope="module", params=["zip", "tar"])
def archive(request, tmp_path_factory):
    made = write_cube(make_cube(SMALL, height=6, width=8), tmp_path_factory.mktemp("archive"))
    path = pack(made, request.param)
    return path, path.read_bytes()


@settings(few, max_examples=15)
@given(st.data())
def test_bytes_of_an_archive(archive, data):
    path, content = archive
    path.write_bytes(data.draw(damaged(content)))
    read(lambda: look_through(path))
    path.write_bytes(content)


@settings(few, max_examples=25)
@given(st.data())
def test_index_of_a_tar(folder, data):
    path = folder / "cube.zarr.tar"
    if not path.exists():
        made = write_cube(make_cube(SMALL, height=6, width=8), folder / "tar")
        pack(made, "tar").rename(path)
    index = tar_index(str(path))
    kept = path.with_name(f"{path.name}.index.json")
    whole = kept.read_text()
    kept.write_text(json.dumps(data.draw(changed(json.loads(whole)))))
    read(lambda: tar_index(str(path)))
    kept.write_text(whole)
    assert tar_index(str(path)) == index


@pytest.fixture(scope="module")
def sample():
    return encode_sample(make_row(np.random.default_rng(0), 0, 3, 8))


def decode(members):
    rows_to_table([decode_sample(members, "shard")], shard_features(3, 8))


@given(st.data())
@few
def test_facts_of_a_shards_sample(sample, data):
    facts = data.draw(changed(loads(sample["sample.pth"])))
    read(lambda: decode(sample | {"sample.pth": dumps(facts, "sample")}))


@given(st.data())
@few
def test_files_of_a_shards_sample(sample, data):
    name = data.draw(st.sampled_from(sorted(sample)))
    read(lambda: decode(sample | {name: data.draw(damaged(sample[name]))}))


@pytest.fixture(scope="module", params=["parquet", "arrow"])
def exported(request, sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    metadata = {"configs": {"ts3": {}}, "format": request.param}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    shard = folder / f"data/ts3/train-00000-of-00001.{request.param}"
    with rows_file(shard, shard_features(3, 8)) as writer:
        writer.write(decode_sample(sample, "shard"))
    return folder, shard


@settings(few, max_examples=25)
@given(st.data())
def test_an_exported_dataset(exported, data):
    folder, shard = exported
    for file, spoil in ((folder / "metadata.json", changed), (shard, damaged)):
        whole = file.read_bytes()
        if spoil is changed:
            file.write_text(json.dumps(data.draw(changed(json.loads(whole)))))
        else:
            file.write_bytes(data.draw(damaged(whole)))
        read(lambda: list(find_samples(folder, "ts3", count=3)))
        file.write_bytes(whole)
