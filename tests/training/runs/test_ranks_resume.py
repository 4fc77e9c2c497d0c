"""Checkpoints, the best model and resumption of two processes, whole copies and shards.

accelerate shards on GPUs alone, so two CPU processes shard the model here as it would (FSDP2).
"""

import os
import subprocess
import sys

import pytest
import torch

from tests.places import ROOT
from tests.training.experiments import history, small
from training.config.options import save_config
from training.evaluation.evaluating import evaluate
from training.runs.checkpoints import read_latest

PROGRAM = """
import sys
sys.path[0] = {root!r}
import torch
torch.set_num_threads(1)
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from training.fit import validation as judging
from training.fit import loop
from training.data.sources import open_data
from training.fit.optimisation import make_optimizer
from training.config.options import load_config

class Sharding(Accelerator):
    def prepare(self, model, optimizer):
        fully_shard(model, mesh=init_device_mesh("cpu", (self.num_processes,)))
        assert any(hasattr(p, "placements") for p in model.parameters())
        return model, AcceleratedOptimizer(make_optimizer(model, config.optimizer))

sharded = {sharded}
if sharded:
    for module in (judging, loop):
        module.is_sharded = lambda accelerator: True
for output, epochs in (("whole", 4), ("cut", 2), ("cut", 4)):
    kind = Sharding if sharded else Accelerator
    config = load_config({folder!r} + "/config.yaml", {{"output": {folder!r} + "/" + output}})
    trainer = loop.Trainer(config, open_data(config, ("train", "validation")), kind())
    if epochs == 2:
        trainer._stopped = lambda: trainer.progress.epoch == 2
    trainer.fit(resume=True)
    trainer.accelerator.wait_for_everyone()
"""


@pytest.mark.parametrize("sharded", [False, True], ids=["copies", "shards"])
def test_a_run_of_two_processes_is_kept_whole_and_resumed(dataset, tmp_path, sharded):
    options = {"training.epochs": 4, "training.batch_size": 3, "model.options": {"drop_rate": 0.3}}
    if not sharded:
        options["training.ema_decay"] = 0.9
    save_config(small(dataset, tmp_path, **options), tmp_path / "config.yaml")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(root=str(ROOT), folder=str(tmp_path), sharded=sharded))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc_per_node=2", program),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
    )
    assert done.returncode == 0, done.stderr
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert len(history(whole)) == 4
    assert history(cut) == history(whole)
    ours, theirs = (read_latest(run, 0)[0] for run in (cut, whole))
    assert all(torch.equal(ours.model[name], theirs.model[name]) for name in theirs.model)
    results = evaluate(whole, "validation")  # the kept weights, by one process alone
    parts = ["validation"] if sharded else ["validation", "validation_ema"]
    best = max(line[part]["f1"] for line in history(whole) for part in parts)
    assert results["metrics"]["f1"] == pytest.approx(best)
