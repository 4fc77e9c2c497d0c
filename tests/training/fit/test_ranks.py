"""Two processes must see what one sees, once."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.places import ROOT
from tests.training.experiments import history, small
from training.config.options import save_config
from training.data.sampling import epoch_order
from training.data.sources import open_data
from training.fit.experiment import train

# Trains, resumes for one more epoch and evaluates; notes every sample that the process was given.
PROGRAM = """
import json, sys
from pathlib import Path
sys.path[0] = {root!r}
import torch
torch.set_num_threads(1)
from accelerate import PartialState
from training.fit import loop
from training.evaluation.evaluating import evaluate
from training.config.options import load_config
from training.fit.experiment import train
seen = []
plain = loop.Trainer._step
def step(self, batch, samples, ends):
    seen.append([self.progress.epoch, batch.share.indices[batch.share.real].tolist()])
    plain(self, batch, samples, ends)
loop.Trainer._step = step
measured = []
judge = loop.Judge.measure
def measure(self, candidates, progress, line):
    judge(self, candidates, progress, line)
    state = [buffer.double().sum() for c in candidates for buffer in c.bare.buffers()]
    measured.append([len(candidates), float(torch.stack(state).sum())])
loop.Judge.measure = measure
folder = {folder!r}
train(load_config(folder + "/config.yaml"))
results = evaluate(Path({judged!r}))
rank = PartialState().process_index
with open(f"{{folder}}/rank-{{rank}}.json", "w") as file:
    json.dump([seen, results["metrics"], results["per_frame"], measured], file)
"""


@pytest.fixture(scope="module")
def judged(dataset, tmp_path_factory):
    """A run of one process, to be evaluated by one and by two."""
    run = tmp_path_factory.mktemp("one") / "run"
    return train(small(dataset, run, "segmentation", **{"training.epochs": 1}))


def test_two_processes_see_each_sample_once_and_measure_the_same(dataset, judged, tmp_path):
    options = {"training.batch_size": 3, "training.ema_decay": 0.9}
    config = small(dataset, tmp_path / "run", "segmentation", **options)
    save_config(config, tmp_path / "config.yaml")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(root=str(ROOT), folder=str(tmp_path), judged=str(judged)))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc_per_node=2",
            program,
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    reports = [json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in (0, 1)]
    positive = open_data(config, ("train",)).splits["train"].positive
    for epoch in (0, 1):
        given = [i for seen, *_ in reports for e, part in seen if e == epoch for i in part]
        assert sorted(given) == sorted(epoch_order(positive, "balanced", config.seed, epoch))
    assert all(len(seen) == len(reports[0][0]) for seen, *_ in reports)
    assert len(history(tmp_path / "run")) == 2

    from training.evaluation.evaluating import evaluate

    alone = evaluate(judged)
    assert reports[0][3] == reports[1][3], "one process's batch statistics are not the other's"
    assert [count for count, _ in reports[0][3]] == [2, 2]
    for _, metrics, per_frame, _ in reports:
        for key, value in alone["metrics"].items():
            assert metrics[key] == pytest.approx(value, abs=1e-6)
        assert per_frame.keys() == alone["per_frame"].keys()
        for frame, row in alone["per_frame"].items():
            found = np.array(list(per_frame[frame].values()), float)
            np.testing.assert_allclose(found, np.array(list(row.values()), float), atol=1e-6)
