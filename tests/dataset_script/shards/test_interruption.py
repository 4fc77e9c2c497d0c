"""An export that is killed, or that is refused by the disk, and goes on."""

import errno
import json
import os
import signal
import subprocess
import sys

import pytest

from dataset_script.__main__ import main
from dataset_script.errors import ConfigError, DataError
from dataset_script.export import export
from dataset_script.shards.output_folder import one_at_a_time
from dataset_script.shards.writers import ArrowWriter
from tests.dataset_script.exporting import SECOND, SIZE, make_cubes, tree
from tests.places import ROOT

# Every file that Python opens, makes, renames or removes is an audit event. The first child counts
# those of a whole export; each later one is killed at one of them. Forking saves the imports, also
# those that an export does late, and is safe while this process itself reads and writes nothing.
KILLED = """
import contextlib, importlib, itertools, json, os, pathlib, random, signal, sys, time
from dataset_script.export import export
for late in ("PIL.Image", "dask.delayed", "importlib_metadata", "pyproj", "zarr"):
    with contextlib.suppress(ImportError):
        importlib.import_module(late)
cubes, out, options = sys.argv[1:]
counted = pathlib.Path(out, "events")

def run(name, moment=None):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    count = itertools.count()
    sys.addaudithook(lambda *_: next(count) == moment and os.kill(os.getpid(), signal.SIGKILL))
    export(cubes, pathlib.Path(out, name), **json.loads(options))
    counted.write_text(str(next(count)))
    os._exit(0)

def runs(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"

print(run("whole"))
events, draw = int(counted.read_text()), random.Random(0)
for number in range(10):
    print(run(str(number), draw.randrange(events)))

# One of several processes is killed when it has begun: a worker's moments are its own.
child = os.fork()
if not child:
    export(cubes, pathlib.Path(out, "workers"), workers=2, **json.loads(options))
    os._exit(0)
while not list(pathlib.Path(out, "workers").rglob("*.parquet")):
    time.sleep(0.005)
children = pathlib.Path(f"/proc/{child}/task/{child}/children").read_text().split()
os.kill(child, signal.SIGKILL)
print(os.waitpid(child, 0)[1])
while any(map(runs, children)):
    time.sleep(0.005)  # the workers end with their parent
"""


def test_killed_at_ten_random_moments_it_ends_with_the_same_bytes(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(SECOND,))
    options = {
        "configs": ["ts1", "ts3"],
        "image_size": SIZE,
        "channels": ["insar_difference"],
        "progress": False,
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, (cubes, tmp_path)), json.dumps(options)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert [int(line) for line in done.stdout.split()] == [0] + 11 * [signal.SIGKILL]
    whole = tree(tmp_path / "whole")
    assert sum(name.endswith(".parquet") for name in whole) == 9
    begun_with = []
    for number in range(10):
        out = tmp_path / str(number)
        begun_with.append(len(list(out.glob("hephaestus-minicubes/data/ts*/*.parquet"))))
        export(cubes, out, **options)
        assert tree(out) == whole
    assert len(set(begun_with)) > 2  # the kills fell into different places
    export(cubes, tmp_path / "workers", **options)
    assert tree(tmp_path / "workers") == whole


def test_a_damaged_shard_is_written_again(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(SECOND,))
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    whole = tree(tmp_path / "hephaestus-minicubes")
    truncated, lost = sorted(folder.glob("data/ts1/*.parquet"))[:2]
    truncated.write_bytes(truncated.read_bytes()[:-100])
    lost.unlink()
    export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    assert tree(folder) == whole


def test_full_disk_is_one_clear_error_and_the_next_run_goes_on(tmp_path, monkeypatch, capsys):
    cubes = make_cubes(tmp_path / "cubes", frames=(SECOND,))
    command = ["export", str(cubes), str(tmp_path), "--config", "ts1", "--image-size", str(SIZE)]
    written = []

    def fill_up(writer, row, write=ArrowWriter.write):
        written.append(row)
        if len(written) == 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(writer, row)

    with monkeypatch.context() as patched, pytest.raises(SystemExit) as stopped:
        patched.setattr(ArrowWriter, "write", fill_up)
        main([*command, "--format", "arrow"])
    assert stopped.value.code == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"error: cannot write {tmp_path}")
    assert "No space left on device" in said and "run the same command again" in said
    assert not list(tmp_path.rglob("*.tmp"))
    kept = list(tmp_path.rglob("*.arrow"))
    assert kept
    times = [path.stat().st_mtime_ns for path in kept]
    main([*command, "--format", "arrow"])
    assert (tmp_path / "hephaestus-minicubes" / "README.md").exists()
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_unwritable_output(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(SECOND,))
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DataError, match=r"cannot write .*out.*choose another output folder"):
        export(cubes, tmp_path / "out", ["ts1"], image_size=SIZE, progress=False)
    if os.getuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(DataError, match="choose an output folder that you may write to"):
            export(cubes, tmp_path / "locked", ["ts1"], image_size=SIZE, progress=False)


def test_one_export_at_a_time(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(SECOND,))
    busy = pytest.raises(ConfigError, match="another export is writing")
    with one_at_a_time(tmp_path / "hephaestus-minicubes"), busy:
        export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
