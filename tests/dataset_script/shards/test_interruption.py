"""An export that is killed, or that is refused by the disk, and goes on."""

import errno
import os
import random
import signal
import subprocess
import sys

import pytest

from dataset_script.__main__ import main
from dataset_script.errors import ConfigError, DataError
from dataset_script.export import export
from dataset_script.shards.output_folder import one_at_a_time
from dataset_script.shards.writers import ArrowWriter
from tests.dataset_script.exporting import SIZE, make_cubes, tree
from tests.places import ROOT

# Forks after the imports, and waits for some files, so that a kill falls into the export however
# busy the machine is.
KILLED = """
import os, pathlib, signal, sys, time
from dataset_script.export import export
cubes, out, size, *moments = sys.argv[1:]
for number, moment in enumerate(moments):
    files, delay = moment.split("+")
    folder = pathlib.Path(out, str(number))
    child = os.fork()
    if child == 0:
        export(cubes, folder, ("ts1", "ts3"), image_size=int(size), progress=False)
        os._exit(0)
    while len(list(folder.rglob("*.parquet"))) < int(files):
        time.sleep(0.001)
    time.sleep(float(delay))
    os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1])
"""


def test_killed_at_ten_random_moments_it_ends_with_the_same_bytes(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=("001D_00001_010101",))
    export(cubes, tmp_path / "whole", ("ts1", "ts3"), image_size=SIZE, progress=False)
    whole = tree(tmp_path / "whole")
    assert sum(name.endswith(".parquet") for name in whole) == 9
    draw = random.Random(0)
    delays = [f"{draw.randrange(8)}+{draw.uniform(0, 0.05):.3f}" for _ in range(10)]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(cubes), str(tmp_path), str(SIZE), *delays],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    statuses = [int(line) for line in done.stdout.split()]
    assert len(statuses) == 10
    assert statuses.count(signal.SIGKILL) >= 7
    begun_with = []
    for number in range(10):
        out = tmp_path / str(number)
        begun_with.append(len(list(out.glob("hephaestus-minicubes/data/ts*/*.parquet"))))
        export(cubes, out, ("ts1", "ts3"), image_size=SIZE, progress=False)
        assert tree(out) == whole
    assert len(set(begun_with)) > 2  # the kills fell into different places


def test_a_damaged_shard_is_written_again(tmp_path):
    cubes = make_cubes(tmp_path / "cubes")
    folder = export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    whole = tree(tmp_path / "hephaestus-minicubes")
    truncated, lost = sorted(folder.glob("data/ts1/*.parquet"))[:2]
    truncated.write_bytes(truncated.read_bytes()[:-100])
    lost.unlink()
    export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    assert tree(folder) == whole


def test_full_disk_is_one_clear_error_and_the_next_run_goes_on(tmp_path, monkeypatch, capsys):
    cubes = make_cubes(tmp_path / "cubes")
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
    cubes = make_cubes(tmp_path / "cubes", frames=("001D_00001_010101",))
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DataError, match=r"cannot write .*out.*choose another output folder"):
        export(cubes, tmp_path / "out", ["ts1"], image_size=SIZE, progress=False)
    if os.getuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(DataError, match="choose an output folder that you may write to"):
            export(cubes, tmp_path / "locked", ["ts1"], image_size=SIZE, progress=False)


def test_one_export_at_a_time(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=("001D_00001_010101",))
    busy = pytest.raises(ConfigError, match="another export is writing")
    with one_at_a_time(tmp_path / "hephaestus-minicubes"), busy:
        export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
    export(cubes, tmp_path, ["ts1"], image_size=SIZE, progress=False)
