from types import SimpleNamespace

import numpy as np

from training.data.tasks import Task
from training.evaluation.predictions import Predictions
from training.evaluation.report import confidence_intervals


class Groups:
    """Samples of which nothing but the groups is known."""

    def __init__(self, groups):
        self.groups = groups

    def __len__(self):
        return len(self.groups)

    def metadata(self, sample):
        return SimpleNamespace(group=str(self.groups[sample]))


def test_samples_of_one_group_do_not_make_an_interval_narrower():
    """Twenty series of one acquisition are no more evidence than one."""
    rng = np.random.default_rng(0)
    targets = rng.random(60) < 0.4
    margins = rng.normal(targets * 1.5, 1)

    def intervals(copies):
        truth = np.repeat(targets, copies).astype("int64")
        logits = np.stack([np.zeros(60 * copies), np.repeat(margins, copies)], 1)
        task = Task("binary", "classification", "union", 1)
        answers = Predictions(task, np.zeros(len(truth)), logits[:, None], truth[:, None])
        groups = Groups(np.repeat(np.arange(60), copies))
        return confidence_intervals(answers, groups, threshold=0.7, seed=0)

    once, often = intervals(1), intervals(20)
    assert set(once) == set(often) == {"precision", "recall", "f1", "auroc", "average_precision"}
    for name, ends in once.items():
        np.testing.assert_allclose(np.ptp(often[name]), np.ptp(ends), rtol=0.15, err_msg=name)
