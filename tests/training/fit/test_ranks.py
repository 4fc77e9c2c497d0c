"""Two processes must see what one sees, once."""

import numpy as np
import pytest

from tests.training.experiments import history, small
from tests.training.processes import run
from training.data.sampling import epoch_order
from training.data.sources import open_data
from training.evaluation.evaluating import evaluate
from training.fit.experiment import train
from training.fit.objectives.trainer import Trainer
from training.fit.validation import Validator


def train_and_evaluate(config, other_run):
    """Train, evaluate another run, and note what this process was given and had in its models."""
    seen, measured = [], []
    step, validate = Trainer._step, Validator.validate

    def noted_step(self, batch, samples, ends):
        seen.append((self.progress.epoch, batch.share.indices[batch.share.real].tolist()))
        step(self, batch, samples, ends)

    def noted_validate(self, models, progress, record):
        validate(self, models, progress, record)
        sums = [float(b.double().sum()) for model in models.values() for b in model.buffers()]
        measured.append((len(models), sum(sums)))

    Trainer._step, Validator.validate = noted_step, noted_validate
    train(config)
    return seen, measured, evaluate(other_run)


@pytest.mark.parametrize("trained", ["segmentation"], indirect=True)
def test_two_processes_see_each_sample_once_and_measure_the_same(
    dataset, trained, tmp_path, undrawn
):
    options = {"training.batch_size": 3, "training.ema_decay": 0.9}
    config = small(dataset, tmp_path / "run", **options)
    reports = run(train_and_evaluate, config, trained, ranks=2)
    positive = open_data(config, ("train",)).splits["train"].positive
    for epoch in (0, 1):
        given = [i for seen, *_ in reports for e, part in seen if e == epoch for i in part]
        assert sorted(given) == sorted(epoch_order(positive, "balanced", config.seed, epoch))
    assert len(reports[0][0]) == len(reports[1][0])
    assert len(history(tmp_path / "run")) == 2
    assert reports[0][1] == reports[1][1], "one process's batch statistics are not the other's"
    assert [count for count, _ in reports[0][1]] == [2, 2]
    alone = evaluate(trained)
    for *_, results in reports:
        assert results["metrics"] == pytest.approx(alone["metrics"], abs=1e-6)
        assert results["per_frame"].keys() == alone["per_frame"].keys()
        for frame, row in alone["per_frame"].items():
            found = np.array(list(results["per_frame"][frame].values()), float)
            np.testing.assert_allclose(found, np.array(list(row.values()), float), atol=1e-6)
