"""Detection of deformation, or of one class, in a split: weighted counts by score."""

from __future__ import annotations

import numpy as np

from training.data.tasks import IGNORED
from training.evaluation.calibration import image_margins
from training.evaluation.metrics import (
    at_threshold,
    auroc,
    average_precision,
    count_levels,
    scores_of,
)
from training.evaluation.predictions import Predictions, margin_levels

KEYS = ("precision", "recall", "f1", "auroc", "average_precision", "iou")

_PIECE = 512  # samples whose histograms are brought to floats at once, which doubles their memory


class Detection:
    """Detection of deformation, or of one class, in a split.

    Args:
        predictions: The predictions.
        column: The class; None for deformation as such (any class but the negative one, by its
            margin).
    """

    def __init__(self, predictions: Predictions, column: int | None = None) -> None:
        self.pixels = predictions.histogram
        if self.pixels is not None:
            return
        assert predictions.logits is not None and predictions.targets is not None
        self.scores, self.truth, counted = _image_scores(predictions, column)
        answers = predictions.logits.shape[1]
        self.owner = np.repeat(np.arange(len(predictions.logits)), answers)[counted]
        self.scores, self.truth = self.scores[counted], self.truth[counted]

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Levels `[L]`, positives and negatives `[..., L]` under sample weights `[..., N]`."""
        if self.pixels is not None:
            flat = self.pixels.reshape(len(self.pixels), -1)
            summed = np.zeros((*weights.shape[:-1], flat.shape[1]))
            for start in range(0, len(flat), _PIECE):
                piece = slice(start, start + _PIECE)
                summed += weights[..., piece] @ flat[piece].astype(float)
            counted = summed.reshape(*weights.shape[:-1], 2, -1)[..., ::-1]
            return margin_levels(), counted[..., 1, :], counted[..., 0, :]
        return count_levels(self.scores, self.truth, weights[..., self.owner])

    def metrics(self, weights: np.ndarray, threshold: float) -> dict[str, np.ndarray]:
        """The metrics under sample weights `[..., N]`, each `[...]`."""
        levels, positives, negatives = self.counts(weights)
        values = scores_of(**at_threshold(levels, positives, negatives, threshold))
        values["auroc"] = auroc(positives, negatives)
        values["average_precision"] = average_precision(positives, negatives)
        keep = KEYS if self.pixels is not None else KEYS[:-1]
        return {key: values[key] for key in keep}


def _image_scores(
    predictions: Predictions, column: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    logits, targets = predictions.logits, predictions.targets
    assert logits is not None and targets is not None
    flat = logits.reshape(-1, logits.shape[-1])
    scores = image_margins(flat, predictions.task.multilabel, predictions.temperature, column)
    if predictions.task.multilabel:
        hot = targets.reshape(flat.shape)
        truth = hot.any(1) if column is None else hot[:, column] > 0
        return scores, np.asarray(truth), np.ones(len(flat), bool)
    codes = targets.reshape(-1)
    return scores, codes > 0 if column is None else codes == column, codes != IGNORED


def flat_answers(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, targets and whether they count, an entry an answer."""
    assert predictions.logits is not None and predictions.targets is not None
    logits = predictions.logits.reshape(-1, predictions.logits.shape[-1]).astype(float)
    if predictions.task.multilabel:
        return logits, predictions.targets.reshape(logits.shape), np.ones(len(logits), bool)
    targets = predictions.targets.reshape(-1)
    return logits, targets, targets != IGNORED
