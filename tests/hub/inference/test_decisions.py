"""On one row, `evaluate` and the detector come to the same decision, whatever the logits."""

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from hub.inference.detector import Detector
from hub.scenes.scene import make_scene
from tests.hub.facts import KINDS, SIZE, make_facts
from tests.hub.models import make_model
from tests.rows import make_dataset_folder
from tests.training.experiments import CHANNELS, samples_of
from training.data.tasks import Task
from training.evaluation.calibration import to_margin, to_probability
from training.evaluation.operating_point import scene_auroc, scene_scores, verdicts
from training.evaluation.predictions import BINS, SPAN, Predictions, margin_histogram, predict
from training.evaluation.report import overall_metrics
from training.facts import ModelFacts
from training.inputs.preprocessing import Preprocessor

LOGITS = st.floats(-120, 120, width=32)
CLASSES = {
    "binary": ("Non_Deformation", "Deformation"),
    "phase": ("Rest", "Unrest", "Rebound"),
    "activity_type": ("Sill", "Dyke", "Mogi", "Spheroid", "Earthquake", "Unidentified"),
}


class Says(torch.nn.Module):
    """Answers what it is told, whatever it is shown."""

    def __init__(self, logits):
        super().__init__()
        self.said = torch.tensor(logits, dtype=torch.float32)

    def forward(self, planes):
        return self.said.expand(len(planes), *self.said.shape)


def ask(facts: ModelFacts, logits):
    phase = np.full((1, SIZE, SIZE), 0.5, "float32")
    scene = make_scene("one", phase, np.full(phase.shape, 200, "uint8"), phase[0])
    return Detector(Says(logits), facts, "says", device="cpu").predict(scene)


def evaluated(facts, logits):
    """Whether `evaluate` counts a deforming row of these logits as found."""
    task = Task(facts.task, facts.objective, "union", 1)
    targets = np.ones((1, 1), "int64")
    if task.multilabel:
        targets = np.ones((1, 1, len(logits)), "float32")
    answers = np.array(logits, "float32")[None, None]
    row = Predictions(task, np.zeros(1), answers, targets, temperature=facts.temperature)
    metrics = overall_metrics(row, to_margin(facts.threshold, facts.temperature))
    prefix = "" if task.name == "binary" else "detection_"
    return {1.0: True, 0.0: False}[metrics[f"{prefix}recall"]]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(CLASSES)),
    st.lists(LOGITS, min_size=6, max_size=6),
    st.floats(0.05, 20),
    st.floats(0, 1),
)
@example("binary", [0.0, 16.6355, 0, 0, 0, 0], 1.0, 1 - 2**-25)  # 1.0 in single precision
@example("binary", [16777216.0, 16777216.0, 0, 0, 0, 0], 3.0, 0.5)
@example("binary", [0.0, -1e-9, 0, 0, 0, 0], 1.0, 0.5)  # 0.5 in single precision
@example("phase", [0.5, 0.0, 0.0, 0, 0, 0], 0.1, 0.5)  # pooled otherwise, three answers say yes
def test_images(task, logits, temperature, threshold):
    logits = [float(np.float32(value)) for value in logits[: len(CLASSES[task])]]
    facts = make_facts(
        "timm",
        steps=1,
        task=task,
        classes=CLASSES[task],
        multilabel=task == "activity_type",
        temperature=temperature,
        threshold=threshold,
    )
    found = ask(facts, logits).verdict.decision == "Deformation"
    assert found == evaluated(facts, logits)


@settings(max_examples=50, deadline=None)
@given(st.floats(-15, 15, width=32), st.integers(-480, 480), st.floats(0.05, 20))
@example(0.0, 0, 1.0)
def test_pixels(margin, edge, temperature):
    """A threshold of pixels is an edge between two bins of margins."""
    threshold = edge * 2 * SPAN / BINS
    temperature = max(temperature, abs(threshold) / 12)
    assume(margin == threshold == 0 or abs(margin - threshold) / temperature > 0.05)
    facts = make_facts(
        "smp",
        steps=1,
        temperature=temperature,
        threshold=float(to_probability(threshold, temperature)),
    )
    logits = np.zeros((2, SIZE, SIZE), "float32")
    logits[1] = margin
    counts = margin_histogram(
        torch.tensor(logits[1:]), torch.ones(1, SIZE, SIZE, dtype=torch.int64), 1, BINS, SPAN
    )
    task = Task("binary", "segmentation", "union", 1)
    row = Predictions(task, np.zeros(1), histogram=counts.numpy())
    recall = overall_metrics(row, to_margin(facts.threshold, temperature))["recall"]
    assert ask(facts, logits).mask.mean() == recall


@pytest.mark.parametrize("kind", ["smp", "timm"])
def test_rows_are_scenes_of_the_same_probability_in_training_and_in_use(tmp_path, kind):
    data = make_dataset_folder(tmp_path, steps=3, size=SIZE, counts=(2, 5, 2), channels=CHANNELS)
    facts = make_facts(kind, CHANNELS, steps=3, unsure=(0.4, 0.6))
    model = make_model(kind, facts)
    preprocess = Preprocessor(facts.channels, 3, SIZE, overwrite=True)
    samples = samples_of(data, "validation", objective=KINDS[kind][0])
    answers = predict(
        lambda batch: model(preprocess(batch.rasters)),
        samples,
        Accelerator(),
        2,
        0,
        temperature=facts.temperature,
    )
    scores, deforming = scene_scores(answers, facts.temperature)
    assert deforming.tolist() == samples.positive.tolist()
    detector = Detector(model.backbone, facts, "m", device="cpu")
    found = [detector.predict(f"{data}::ts3/validation/{row}").verdict for row in range(5)]
    np.testing.assert_allclose([verdict.probability for verdict in found], scores, rtol=1e-5)
    if KINDS[kind][0] == "segmentation":
        area = scene_auroc(answers, facts.temperature)["scene_auroc"]
        assert area == pytest.approx(roc_auc_score(deforming, scores))
    table = verdicts(answers, facts.temperature, facts.limits)
    for decision, column in (("Deformation", "deformation"), ("Unsure", "unsure")):
        counted = sum(row[column] for row in table.values())
        assert counted == sum(verdict.decision == decision for verdict in found)
