"""Samples of T steps, cut from the rows of a split."""

from __future__ import annotations

import numpy as np

from training.data.rows import RowMetadata, Rows
from training.data.sampling import REPEAT, STEPS, draw_steps, stream
from training.data.tasks import StepLabels, Task


class Samples:
    """One split, cut into samples of T steps.

    A row of T steps is a sample. From a row of the `groups` config, training draws T of its steps
    afresh each epoch; validation and test cut it into disjoint runs of T steps, as the paper's
    protocol does, or fill it up by duplication where it has fewer.

    Args:
        rows: The split's rows.
        task: The task.
        seed: The run's seed.
        fresh: Whether steps are drawn afresh each epoch (training).
        repeat: Probability that one step of a sample is shown T times; drawn afresh too.
    """

    def __init__(self, rows: Rows, task: Task, seed: int, fresh: bool, repeat: float = 0.0) -> None:
        self.rows, self.task, self.seed, self.fresh = rows, task, seed, fresh
        self.repeat = repeat
        self._places = [
            (row, cut)
            for row, metadata in enumerate(rows.metadata)
            for cut in range(self._cuts(len(metadata.confidence)))
        ]
        shown = [self.metadata(i).steps if fresh else self.labels(i) for i in range(len(self))]
        if task.mask_target == "last":  # what the sample is asked about, and no other step
            shown = [labels.select([-1]) for labels in shown]
        self.positive = np.array([labels.positive for labels in shown], bool)

    def __len__(self) -> int:
        return len(self._places)

    def metadata(self, sample: int) -> RowMetadata:
        """What is known of the sample's row."""
        return self.rows.metadata[self._places[sample][0]]

    def row(self, sample: int) -> int:
        """Row that the sample is cut from."""
        return self._places[sample][0]

    def steps(self, sample: int, epoch: int = 0) -> np.ndarray:
        """The steps of its row that a sample shows.

        Args:
            sample: Sample number.
            epoch: Epoch, which changes the draw where `fresh`.

        Returns:
            int64 `[T]`, ascending, or all the same.
        """
        steps = self._draw(sample, epoch)
        if self.repeat:
            rng = stream(self.seed, REPEAT, epoch, sample)
            chance, place = rng.random(), int(rng.integers(len(steps)))
            if chance < self.repeat:
                return np.full_like(steps, steps[place])
        return steps

    def _draw(self, sample: int, epoch: int) -> np.ndarray:
        row, cut = self._places[sample]
        available, length = len(self.rows.metadata[row].confidence), self.task.timeseries_length
        if available == length:
            return np.arange(length)
        if self.fresh or available < length:
            rng = stream(self.seed, STEPS, epoch if self.fresh else 0, row)
            return draw_steps(available, length, rng)
        return np.arange(cut * length, (cut + 1) * length)

    def labels(self, sample: int, epoch: int = 0) -> StepLabels:
        """Labels of the steps that a sample shows."""
        return self.metadata(sample).steps.select(self.steps(sample, epoch).tolist())

    def confidence(self, sample: int, epoch: int = 0) -> float:
        """The annotators' mean confidence in the steps that a sample shows."""
        given = self.metadata(sample).confidence
        return float(np.mean([given[step] for step in self.steps(sample, epoch)]))

    def caption(self, sample: int, epoch: int = 0) -> str:
        """The annotators' sentence on the last step that a sample shows."""
        return self.metadata(sample).captions[int(self.steps(sample, epoch)[-1])]

    def sentences(self) -> list[str]:
        """The annotators' sentences on all steps of all rows."""
        return [text for known in self.rows.metadata for text in known.captions]

    def confounders(self, sample: int, epoch: int = 0) -> dict[str, int]:
        """Greatest strength of each of `CONFOUNDERS` in the steps that a sample shows."""
        steps = self.steps(sample, epoch)
        return {
            name: max(int(strengths[step]) for step in steps)
            for name, strengths in self.metadata(sample).confounders.items()
        }

    def _cuts(self, available: int) -> int:
        return 1 if self.fresh else max(1, available // self.task.timeseries_length)
