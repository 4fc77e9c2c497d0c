"""Does an image show deformation? Precision, recall, F1, AUROC and average precision."""

from collections.abc import Sequence

import datasets
import evaluate
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

_DESCRIPTION = """
Metrics of a binary decision for each interferogram (or series of them): does it show ground
deformation? Precision, recall and F1 of the deformation class at a threshold; AUROC and average
precision over all thresholds; percentile intervals by bootstrap over the samples on request.
"""

_INPUTS = """
Args:
    predictions: Probability of deformation of each sample, 0 to 1.
    references: 1 where the experts see deformation, 0 elsewhere.
    threshold: A sample is called positive from this probability on.
    resamples: Bootstrap resamples for the 95 % intervals; 0 leaves them out.
    seed: Seed of the bootstrap.

Returns:
    precision, recall, f1, auroc, average_precision, samples, positives, and for each metric
    <metric>_low and <metric>_high if intervals were asked for. What is undefined (AUROC with one
    class alone, recall without a positive) is NaN; precision is 0 if nothing is called positive.
"""

_CITATION = """
@article{hephaestus_minicubes,
  title={Hephaestus Minicubes: A Global, Multi-Modal Dataset for Volcanic Unrest Monitoring},
  journal={arXiv:2505.17782},
  year={2025}
}
"""


def _scores(probabilities: np.ndarray, truth: np.ndarray, threshold: float) -> dict[str, float]:
    called = probabilities >= threshold
    hits = int((called & truth).sum())
    either = int(called.sum() + truth.sum())
    nan = float("nan")
    both = truth.any() and not truth.all()
    return {
        "precision": hits / int(called.sum()) if called.any() else 0.0,
        "recall": hits / int(truth.sum()) if truth.any() else nan,
        "f1": 2 * hits / either if either else nan,
        "auroc": float(roc_auc_score(truth, probabilities)) if both else nan,
        "average_precision": (
            float(average_precision_score(truth, probabilities)) if truth.any() else nan
        ),
    }


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _INPUTS)
class DeformationClassification(evaluate.Metric):
    """See the module's description."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("float64"), "references": datasets.Value("int32")}
            ),
        )

    def _compute(
        self,
        predictions: Sequence[float],
        references: Sequence[int],
        threshold: float = 0.5,
        resamples: int = 0,
        seed: int = 0,
    ) -> dict[str, float]:
        probabilities = np.asarray(predictions, dtype=float)
        labels = np.asarray(references)
        if not np.isin(labels, (0, 1)).all():
            raise ValueError("references must be 0 (no deformation) or 1 (deformation)")
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise ValueError("predictions must be probabilities, from 0 to 1")
        truth = labels == 1
        scores = _scores(probabilities, truth, threshold)
        result = {**scores, "samples": len(truth), "positives": int(truth.sum())}
        if resamples:
            rng = np.random.default_rng(seed)
            drawn = [
                _scores(probabilities[pick], truth[pick], threshold)
                for pick in (rng.integers(0, len(truth), len(truth)) for _ in range(resamples))
            ]
            for name in scores:
                values = np.array([draw[name] for draw in drawn])
                values = values[np.isfinite(values)]
                low, high = np.percentile(values, (2.5, 97.5)) if len(values) else (np.nan, np.nan)
                result |= {f"{name}_low": float(low), f"{name}_high": float(high)}
        return result
