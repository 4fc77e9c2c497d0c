"""Watching folders: what is new is judged, nothing is lost, somebody is told."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from dataset_script.errors import ConfigError
from hub.__main__ import main
from hub.inference.batch import predict_many
from hub.record.table import Record
from hub.repos.packaging import package_model
from hub.watching.notify import start_collecting, tell
from hub.watching.watch import parse_interval, watch
from tests.hub.facts import make_facts
from tests.hub.licsar import FRAME, PRIMARY, SECONDARIES, make_phase, write_frame
from tests.hub.models import make_model
from tests.hub.record.answers import answer


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    facts = make_facts("smp", steps=1)
    package_model(make_model("smp", facts).backbone, facts, folder)
    return folder


@pytest.fixture
def frame(tmp_path):
    write_frame(tmp_path / "in", 45, 60)
    return tmp_path / "in"


def run_watch(*arguments):
    """The exit status of a look, in this process."""
    try:
        main(["watch", *map(str, arguments)])
    except SystemExit as stop:
        return stop.code
    return 0


def last_line(capsys):
    return capsys.readouterr().out.strip().splitlines()[-1]


def names(folder):
    return [row["scene"] for row in Record(folder).rows() if not row["superseded"]]


def test_new_pairs_join_and_old_ones_stay(tmp_path, packaged, frame, capsys):
    newest = frame / FRAME / "interferograms" / f"{PRIMARY}_{SECONDARIES[2]}"
    hidden = newest.rename(tmp_path / "not there yet")
    out = tmp_path / "record"
    assert run_watch(packaged, frame, "--output", out, "--threshold", 1) == 0
    assert last_line(capsys) == "new=2 deformation=0 failed=0"
    assert run_watch(packaged, frame, "--output", out, "--threshold", 1) == 0
    assert last_line(capsys) == "new=0 deformation=0 failed=0"
    hidden.rename(newest)
    # The newest pair alone, by `predict`: the summary keeps its older rows.
    batch = predict_many(packaged, [newest], out, threshold=1, progress=False)
    assert len(batch.new) == 1
    lines = (out / "summary.csv").read_text().strip().splitlines()
    assert len(lines) == 1 + 3
    assert sorted(names(out)) == sorted(f"{FRAME}_{PRIMARY}_{day}" for day in SECONDARIES)
    # Another threshold: everything is judged anew, and what it replaces is kept as superseded.
    assert run_watch(packaged, frame, "--output", out, "--threshold", 0) == 4
    assert last_line(capsys) == "new=3 deformation=3 failed=0"
    table = pyarrow.parquet.read_table(out / "record.parquet")
    assert table["superseded"].to_pylist() == [True] * 3 + [False] * 3
    assert set(table["product"].to_pylist()) == {"licsar"}
    assert set(table["frame"].to_pylist()) == {FRAME}
    for row in table.to_pylist():
        assert row["max_coherence"] >= row["mean_coherence"] > 0
        for name in dict(row["files"]).values():
            assert (out / name).exists()


def test_a_file_that_did_not_change_is_not_read(tmp_path, packaged):
    path = tmp_path / "in" / "a.npz"
    path.parent.mkdir()
    np.savez(path, insar_difference=make_phase(40, 40))
    out = tmp_path / "record"

    def unchanged():
        found = predict_many(packaged, [path.parent], out, trust_times=True, progress=False)
        return found.unchanged

    assert (unchanged(), unchanged()) == (0, 1)
    os.utime(path)
    assert (unchanged(), unchanged()) == (0, 1)  # touched: read again, and known again
    np.savez(path, insar_difference=make_phase(40, 40, seed=5))
    assert unchanged() == 0
    assert [row["superseded"] for row in Record(out).rows()] == [True, False]
    (out / "a_mask.tif").unlink()
    assert unchanged() == 0 and (out / "a_mask.tif").exists()


TELL = """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
news = json.load(sys.stdin)
if (folder / "down").exists():
    sys.exit("the mail server is down")
(folder / f"{news['scene']}.told").write_text(json.dumps(news))
"""


def test_somebody_is_told_once_of_each_deformation_also_after_a_failure(
    tmp_path, packaged, frame, capsys
):
    script, out = tmp_path / "tell.py", tmp_path / "record"
    script.write_text(TELL)
    command = f"{sys.executable} {script} '{tmp_path}'"
    options = ("--output", out, "--threshold", 0, "--notify", command)
    (tmp_path / "down").touch()
    assert run_watch(packaged, frame, *options) == 5
    said = capsys.readouterr().out
    assert "will be tried again" in said and "the mail server is down" in said
    assert said.strip().splitlines()[-1] == "new=3 deformation=3 failed=3"
    (tmp_path / "down").unlink()
    assert run_watch(packaged, frame, *options) == 0  # nothing is new; the news goes out now
    told = sorted(tmp_path.glob("*.told"))
    assert len(told) == 3
    news = json.loads(told[0].read_text())
    assert news["decision"] == "Deformation" and Path(news["files"]["mask"]).exists()
    assert news["evidence"] and "verdict" in news and "made_from" not in news
    for path in told:
        path.unlink()
    assert run_watch(packaged, frame, *options) == 0 and not list(tmp_path.glob("*.told"))


def test_an_unsure_answer_is_told_of_once_later_pairs_agree_with_it(tmp_path):
    script, out = tmp_path / "tell.py", tmp_path / "record"
    script.write_text(TELL)
    command = [sys.executable, str(script), str(tmp_path)]
    record = Record(out)
    start_collecting(out)

    def add(*pairs, probability=0.7):
        for first, second in pairs:
            record.add(answer(first, second, probability) | {"files": {}})
        rows = {row["serial"]: row for row in record.flush()}
        assert tell(out, command, rows)[1] == []
        return {path.stem.partition("131313_")[2] for path in tmp_path.glob("*.told")}

    firsts, lasts = ("20171208", "20171220", "20180101"), ("20180113", "20180125")
    pairs = [(first, last) for last in lasts for first in firsts]
    assert add(*pairs[:4]) == set()
    assert add(*pairs[4:]) == {f"{first}_{last}" for first, last in pairs}
    for path in tmp_path.glob("*.told"):
        path.unlink()
    assert add(("20180113", "20180125"), probability=0.05) == set()


def test_a_bad_input_is_said_and_the_others_go_on(tmp_path, packaged, frame, capsys):
    (frame / "broken.npz").write_text("no archive")
    out = tmp_path / "record"
    assert run_watch(packaged, frame, "--output", out, "--threshold", 0) == 5
    said = capsys.readouterr().out
    assert "failed: " in said and "broken.npz" in said
    assert said.strip().splitlines()[-1] == "new=3 deformation=3 failed=1"


def test_a_folder_that_is_still_empty_keeps_nothing_from_the_others(
    tmp_path, packaged, frame, capsys
):
    empty, out = tmp_path / "empty", tmp_path / "record"
    empty.mkdir()
    assert run_watch(packaged, empty, "--output", out) == 0
    assert last_line(capsys) == "new=0 deformation=0 failed=0"
    assert run_watch(packaged, empty, frame, "--output", out, "--threshold", 1) == 0
    assert last_line(capsys) == "new=3 deformation=0 failed=0"
    assert run_watch(packaged, tmp_path / "no such folder", "--output", out) == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--every", "6"),
        ("--every", "0h"),
        ("--notify", "no-such-program-here"),
        ("--notify", "'open"),
        ("--calibrate-on", "yesterday"),
        ("--workers", "0"),
    ],
)
def test_mistakes_are_one_line(tmp_path, packaged, frame, capsys, options):
    assert run_watch(packaged, frame, "--output", tmp_path / "record", *options) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "Traceback" not in said


def test_intervals():
    assert [parse_interval(text) for text in ("90s", "30m", "6h", "1.5d")] == [
        90,
        1800,
        21600,
        129600,
    ]
    with pytest.raises(ConfigError):
        parse_interval("often")


def test_a_watch_goes_on_through_failures_and_ends_when_it_is_asked_to(tmp_path):
    looks, said = [], []

    def once():
        looks.append(time.monotonic())
        if len(looks) == 2:
            raise ConfigError("the disk is away")
        if len(looks) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return Quiet()

    class Quiet:
        status = 0

        def keep(self):
            pass

        def to_text(self):
            return "new=0 deformation=0 failed=0"

    assert watch(once, 0.05, said.append) == 0
    assert len(looks) == 4 and "the disk is away" in said[1]
    assert looks[2] - looks[0] >= 0.09


def test_workers_and_a_dask_cluster_give_the_record_of_one_process(tmp_path, packaged, frame):
    distributed = pytest.importorskip("distributed")
    predict_many(packaged, [frame], tmp_path / "one", each_pair=True, progress=False)
    predict_many(packaged, [frame], tmp_path / "two", workers=2, each_pair=True, progress=False)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        batch = predict_many(
            packaged,
            [frame],
            tmp_path / "dask",
            dask=cluster.scheduler_address,
            each_pair=True,
            progress=False,
        )
    assert len(batch.new) == 3

    def answers(name):
        rows = Record(tmp_path / name).rows()
        return {row["scene"]: (row["answer"], row["probability"], row["area_km2"]) for row in rows}

    assert answers("one") == answers("two") == answers("dask")
    pixels = [
        (tmp_path / name / f"{FRAME}_{PRIMARY}_{SECONDARIES[0]}_mask.tif").read_bytes()
        for name in ("one", "two", "dask")
    ]
    assert pixels[0] == pixels[1] == pixels[2]


def test_a_detector_in_hand_cannot_go_to_workers(tmp_path, frame):
    from tests.hub.pointwise import pointwise

    with pytest.raises(ConfigError, match="name the model's folder"):
        predict_many(pointwise(1), [frame], tmp_path / "out", workers=2, progress=False)


def test_killed_in_the_middle_it_goes_on_to_the_same_record(tmp_path, packaged, frame):
    predict_many(packaged, [frame], tmp_path / "quiet", each_pair=True, progress=False)
    command = [sys.executable, "-m", "hub", "watch", str(packaged), str(frame), "--output"]
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [*command, str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if list(killed.glob("*_mask.tif")):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.01)
    process.wait()
    predict_many(packaged, [frame], killed, each_pair=True, progress=False)

    def answers(folder):
        return {
            row["scene"]: row["answer"] for row in Record(folder).rows() if not row["superseded"]
        }

    assert answers(killed) == answers(tmp_path / "quiet") and len(answers(killed)) == 3
