"""Checkpoints, the best model and resumption of two processes, whole copies and shards.

accelerate shards on GPUs alone, so two CPU processes shard the model here as it would (FSDP2).
"""

import pytest
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from tests.training.experiments import history, small
from tests.training.processes import run
from training.data.sources import open_data
from training.evaluation.evaluating import evaluate
from training.fit.objectives.trainer import Trainer
from training.fit.optimisation import make_optimizer
from training.runs.checkpoints import read_latest


class ShardingAccelerator(Accelerator):
    def prepare(self, model, optimizer):
        fully_shard(model, mesh=init_device_mesh("cpu", (self.num_processes,)))
        assert any(hasattr(p, "placements") for p in model.parameters())
        return model, AcceleratedOptimizer(make_optimizer(model, self.config.optimizer))


def train_whole_and_cut(whole, cut, accelerator_class):
    """Train in one go, and stopped after the first epoch and resumed."""
    accelerator_class.config = whole
    for config, stops in ((whole, False), (cut, True), (cut, False)):
        data = open_data(config, ("train", "validation"))
        trainer = Trainer(config, data, accelerator_class())
        if stops:
            trainer._stopped = lambda loop=trainer: loop.progress.epoch == 1
        trainer.fit(resume=True)
        trainer.accelerator.wait_for_everyone()


@pytest.mark.parametrize("sharded", [False, True], ids=["copies", "shards"])
def test_a_run_of_two_processes_is_saved_whole_and_resumed(dataset, tmp_path, sharded, undrawn):
    options = {"training.batch_size": 3, "model.options": {"drop_rate": 0.3}}
    if not sharded:
        options["training.ema_decay"] = 0.9
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run(
        train_whole_and_cut,
        small(dataset, whole, **options),
        small(dataset, cut, **options),
        ShardingAccelerator if sharded else Accelerator,
        ranks=2,
    )
    assert len(history(whole)) == 2
    assert history(cut) == history(whole)
    ours, theirs = (read_latest(folder, 0)[0] for folder in (cut, whole))
    assert all(torch.equal(ours.model[name], theirs.model[name]) for name in theirs.model)
    results = evaluate(whole, "validation")  # the best weights, by one process alone
    parts = ["validation"] if sharded else ["validation", "validation_ema"]
    best = max(line[part]["f1"] for line in history(whole) for part in parts)
    assert results["metrics"]["f1"] == pytest.approx(best)
