"""Where is the deformation? IoU, precision, recall and F1 of its pixels."""

from collections.abc import Sequence

import datasets
import evaluate
import numpy as np

_DESCRIPTION = """
Metrics of a mask of ground deformation for each interferogram (or series of them): intersection
over union, precision, recall and F1 of the deformation class, with the pixels of all samples
counted together; the mean IoU over the samples that show deformation; and how many samples without
any are left clean.
"""

_INPUTS = """
Args:
    predictions: One probability (or 0/1) for each pixel of each sample, height x width.
    references: One label for each pixel: 0 none, 1 deformation, 255 left out of every count.
    threshold: A pixel is called positive from this probability on.

Returns:
    iou, precision, recall, f1 over all pixels; sample_iou, the mean over the samples with
    deformation; clean_negatives, the share of the samples without deformation in which no pixel
    is called positive; samples, positives. What is undefined is NaN; precision is 0 if nothing is
    called positive.
"""

_CITATION = """
@article{hephaestus_minicubes,
  title={Hephaestus Minicubes: A Global, Multi-Modal Dataset for Volcanic Unrest Monitoring},
  journal={arXiv:2505.17782},
  year={2025}
}
"""

IGNORED = 255


def _ratio(part: int, whole: int, otherwise: float) -> float:
    return float(part / whole) if whole else otherwise


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _INPUTS)
class DeformationSegmentation(evaluate.Metric):
    """See the module's description."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {
                    "predictions": datasets.List(datasets.List(datasets.Value("float32"))),
                    "references": datasets.List(datasets.List(datasets.Value("uint8"))),
                }
            ),
        )

    def _compute(
        self,
        predictions: Sequence[np.ndarray],
        references: Sequence[np.ndarray],
        threshold: float = 0.5,
    ) -> dict[str, float]:
        counts = np.zeros(3, dtype=np.int64)  # hits, false alarms, misses
        per_sample: list[float] = []
        clean: list[bool] = []
        for number, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
            probability = np.stack([np.asarray(row, dtype=np.float32) for row in prediction])
            label = np.stack([np.asarray(row) for row in reference])
            if probability.shape != label.shape:
                raise ValueError(
                    f"sample {number}: a prediction of {probability.shape} pixels for a reference "
                    f"of {label.shape}"
                )
            if not np.isin(label, (0, 1, IGNORED)).all():
                raise ValueError(f"sample {number}: references must be 0, 1, or 255 to be left out")
            counted = label != IGNORED
            called, truth = (probability >= threshold) & counted, label == 1
            sample = np.array(
                [(called & truth).sum(), (called & ~truth).sum(), (~called & truth).sum()]
            )
            counts += sample
            if truth.any():
                per_sample.append(sample[0] / sample.sum())
            else:
                clean.append(not called.any())
        hits, alarms, misses = counts.tolist()
        nan = float("nan")
        return {
            "iou": _ratio(hits, hits + alarms + misses, nan),
            "precision": _ratio(hits, hits + alarms, 0.0),
            "recall": _ratio(hits, hits + misses, nan),
            "f1": _ratio(2 * hits, 2 * hits + alarms + misses, nan),
            "sample_iou": float(np.mean(per_sample)) if per_sample else nan,
            "clean_negatives": float(np.mean(clean)) if clean else nan,
            "samples": len(per_sample) + len(clean),
            "positives": len(per_sample),
        }
