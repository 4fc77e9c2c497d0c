"""Faster forms of a network give its answers, and where they do not, they are not used."""

import numpy as np
import pytest
import torch
from torch import nn

from hub.inference.detector import Detector
from hub.inference.scanning import networks
from hub.inference.scanning.networks import TOLERANCE, Networks
from hub.inference.scanning.window_model import WindowModel
from tests.hub.facts import make_facts
from tests.hub.models import make_input, make_model
from tests.hub.pointwise import Pointwise, frame_scene

CPU = torch.device("cpu")


def trained(kind, **changes):
    """A model whose normalisations have seen data, as random weights alone have not."""
    facts = make_facts(kind, **changes)
    model = make_model(kind, facts)
    torch.manual_seed(3)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, 0, 0.1)
            nn.init.uniform_(part.running_var, 0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 2)
    return facts, model


@pytest.fixture
def eager(monkeypatch):
    """Half precision even of small scenes, and on processors that make it up."""
    monkeypatch.setattr(networks, "has_half_precision", lambda: True)
    monkeypatch.setattr(networks, "MANY_PIXELS", 0)


@pytest.mark.parametrize("kind", ["smp", "timm", "vit", "segformer", "temporal"])
def test_folding_changes_no_answer(kind):
    facts, model = trained(kind)
    forms = Networks(model, CPU)
    images = make_input(facts)
    with torch.inference_mode():
        expected, found = model(images).numpy(), forms.folded(images).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert (forms.folded is model) == (kind in ("vit", "segformer", "temporal"))


def test_what_cannot_be_traced_is_run_as_it_is():
    class Choosy(Pointwise):
        def forward(self, planes):
            return super().forward(planes if planes.mean() > 0 else -planes)

    facts = make_facts("smp", steps=1)
    model = WindowModel(Choosy(3), facts, "cpu").model
    images = make_input(facts)
    with torch.inference_mode():
        np.testing.assert_allclose(Networks(model, CPU).folded(images), model(images), atol=1e-5)


def test_a_window_alone_is_asked_as_an_evaluation_asks_it(eager):
    forms = Networks(make_model("smp", make_facts("smp")), CPU)
    assert forms.choose(1, 32) is forms.evaluated
    assert forms.choose(2, 32) is forms.half
    assert Networks(forms.evaluated, CPU, full_precision=True).choose(2, 32) is not forms.half


def test_half_precision_keeps_to_its_tolerance_and_the_verdict_to_full(eager):
    facts = make_facts("smp", steps=1)
    whole = Detector(Pointwise(3, reach=9), facts, "whole", device="cpu", full_precision=True)
    half = Detector(Pointwise(3, reach=9), facts, "half", device="cpu")
    scene = frame_scene(steps=2)
    expected, found = whole.predict(scene), half.predict(scene)
    off = np.abs(found.probability - expected.probability)
    assert 1e-5 < np.nanmax(off) <= TOLERANCE  # it was half precision, and near
    assert found.place == expected.place
    assert found.image_probability == pytest.approx(expected.image_probability, abs=1e-5)


def test_half_precision_that_is_far_off_is_not_believed(eager):
    facts, model = trained("smp", steps=1)
    scene = frame_scene(steps=1)
    whole = Detector(model.backbone, facts, "whole", device="cpu", full_precision=True)
    broken = Detector(model.backbone, facts, "half", device="cpu")
    for wrong in (3.0, float("nan")):
        broken._windows.networks.half.register_forward_hook(
            lambda part, given, answer, wrong=wrong: answer + wrong * torch.tensor([[[0]], [[1]]])
        )
        np.testing.assert_allclose(
            broken.predict(scene).probability, whole.predict(scene).probability, atol=1e-5
        )
