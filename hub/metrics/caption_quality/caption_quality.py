"""Does a sentence say what the interferogram shows? Facts read back, BLEU and ROUGE-L."""

from collections.abc import Sequence

import datasets
import evaluate
import numpy as np

# Published, these four lie beside this file; `evaluate` fetches what is named here alone.
from training.captions.fact_scores import facts_scores
from training.captions.facts import read_facts
from training.captions.text_scores import text_scores
from training.captions.vocabulary import read_clauses

_DESCRIPTION = """
Metrics of a caption of each interferogram (or series of them): precision, recall and F1 of the
facts that it says, read back from its words by rules; BLEU and ROUGE-L of the words themselves.
"""

_INPUTS = """
Args:
    predictions: A caption of each sample.
    references: The true caption of each sample.

Returns:
    facts_precision, facts_recall, facts_f1 over the facts of all samples; facts_exact, the share
    of samples all of whose facts are right; <attribute>_precision, _recall and _f1 of deformation,
    kind, strength, place, air, noise, noise_place, fringes, defect, and pattern (kind, strength and
    place in one; not counted in facts_f1); read, the share of predictions of which every clause
    was understood; bleu (0..1); rouge_l; samples. What no caption speaks of is NaN.
"""

_CITATION = """
@article{hephaestus_minicubes,
  title={Hephaestus Minicubes: A Global, Multi-Modal Dataset for Volcanic Unrest Monitoring},
  journal={arXiv:2505.17782},
  year={2025}
}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _INPUTS)
class CaptionQuality(evaluate.Metric):
    """See the module's description."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        whole = {"precision", "recall", "f1", "exact"}
        facts = {
            f"facts_{name}" if name in whole else name: value
            for name, value in facts_scores(predictions, references).items()
        }
        understood = [bool(read_clauses(p)) and not read_facts(p).unread for p in predictions]
        scores = {**facts, "read": float(np.mean(understood)), "samples": len(predictions)}
        return {**scores, **text_scores(predictions, references)}
