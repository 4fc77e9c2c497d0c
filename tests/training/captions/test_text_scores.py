"""BLEU and ROUGE-L equal the reference packages'."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import corpus_bleu
from rouge_score.rouge_scorer import RougeScorer

from training.captions.text_scores import rouge_l, text_scores

TRUE = [
    "Turbulent mixing of the atmosphere is visible across the region. No deformation is visible.",
    "A sill-type deformation pattern of low intensity is visible on the top-left side.",
    "Noise due to low coherence covers parts of the central area. No deformation is visible.",
]
SAID = [
    "Turbulent mixing of the atmosphere is visible. No deformation is visible across the region.",
    "A dyke-type deformation pattern of high intensity is visible on the top-left side of it all.",
    "Orbital fringes run across the image. No deformation is visible.",
]
WORDS = st.lists(
    st.sampled_from(["a", "sill-type", "of", "low,", "high.", "Intensity", "on"]), max_size=12
)


def test_bleu_is_that_of_a_second_package():
    said, true = (
        [re.sub(r"(?=[.,])", " ", text).split() for text in texts] for texts in (SAID, TRUE)
    )
    expected = corpus_bleu([[words] for words in true], said)
    assert text_scores(SAID, TRUE)["bleu"] == pytest.approx(expected, abs=1e-9)
    assert 0.3 < expected < 0.8
    assert text_scores(TRUE, TRUE)["bleu"] == pytest.approx(1)


def test_rouge_l_of_the_papers_example():
    reference = "police killed the gunman"
    assert rouge_l("police kill the gunman", reference) == 3 / 4
    assert rouge_l("the gunman kill police", reference) == 2 / 4


@settings(deadline=None, max_examples=60)
@given(WORDS, WORDS)
def test_rouge_l_is_the_reference_packages(said, true):
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    for first, second in [(" ".join(said), " ".join(true)), *zip(SAID, TRUE, strict=True)]:
        expected = scorer.score(second, first)["rougeL"].fmeasure
        assert rouge_l(first, second) == pytest.approx(expected, abs=1e-12)


def test_mean_over_captions_and_none():
    means = [rouge_l(said, true) for said, true in zip(SAID, TRUE, strict=True)]
    assert text_scores(SAID, TRUE)["rouge_l"] == pytest.approx(sum(means) / 3)
    assert text_scores(["", "a"], ["a", "a"])["rouge_l"] == 0.5
    assert all(math.isnan(value) for value in text_scores([], []).values())
    with pytest.raises(ValueError, match="1 predictions for 0 references"):
        text_scores(["a"], [])
