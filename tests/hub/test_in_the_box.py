"""The model that comes with the project: there, small, and what answers where none is named."""

import fnmatch
import json
import socket

import numpy as np
import pytest
from setuptools.config.setupcfg import read_configuration
from torch import nn

from hub.__main__ import main
from hub.inference.detector import Detector
from hub.inference.scanning import networks
from hub.repos.loading import IN_THE_BOX, find_published
from tests.places import ROOT, SHARED
from training.config.options import load_config
from training.models.weights import load_weights

BOX = ROOT / "hub" / "pretrained"
MOST_BYTES = 25_000_000


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def detector():
    return Detector.from_pretrained(device="cpu")


def source(size=128, fringes=2.5, coherence=220):
    """Phase and coherence of a made-up source on quiet ground."""
    rows, columns = np.indices((size, size)) - size / 2
    bump = np.exp(-(rows**2 + columns**2) / (2 * 14**2))
    noise = np.random.default_rng(0).normal(0, 0.05, (size, size))
    phase = np.angle(np.exp(1j * (2 * np.pi * fringes * bump + noise)))
    return phase.astype(np.float32), np.full((size, size), coherence, np.uint8)


def test_weights_are_small_and_go_into_the_wheel():
    files = [path for path in BOX.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    patterns = read_configuration(ROOT / "setup.cfg")["options"]["package_data"]["hub"]
    for path in files:
        name = path.relative_to(ROOT / "hub").as_posix()
        assert any(fnmatch.fnmatch(name, pattern.replace("**/", "*")) for pattern in patterns), name
    names = {path.name for path in files}
    assert {"config.json", "hephaestus.json", "model.safetensors", "README.md"} <= names


def test_it_takes_one_pair_and_does_without_elevation(detector):
    facts = detector.facts
    assert (detector.name, facts.timeseries_length) == (IN_THE_BOX, 1)
    assert facts.channels[:2] == ("insar_difference", "insar_coherence")
    assert "dem" in facts.optional
    phase, coherence = source()
    found = detector.predict({"insar_difference": phase, "insar_coherence": coherence})
    assert found.verdict.decision == "Deformation"
    middle = found.probability[44:84, 44:84].mean()
    assert middle > 0.6 > 0.1 > found.probability[:24].mean()
    assert any("does without: dem" in warning for warning in found.warnings)


def test_half_precision_says_the_same(monkeypatch):
    monkeypatch.setattr(networks, "has_half_precision", lambda: True)
    monkeypatch.setattr(networks, "MANY_PIXELS", 0)
    phase, coherence = source(320)
    scene = {"insar_difference": phase, "insar_coherence": coherence}
    quick = Detector.from_pretrained(device="cpu")
    folded = quick._windows.networks.folded.modules()
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded)  # it could be traced
    half = quick.predict(scene)
    whole = Detector.from_pretrained(device="cpu", full_precision=True).predict(scene)
    off = np.abs(half.probability - whole.probability).max()
    assert 0 < off <= networks.TOLERANCE
    assert half.verdict.decision == whole.verdict.decision
    assert half.image_probability == pytest.approx(whole.image_probability, abs=1e-4)


def test_quiet_ground_is_quiet(detector):
    rng = np.random.default_rng(1)
    quiet = rng.normal(0, 0.05, (128, 128)).astype(np.float32)
    sea = rng.uniform(-np.pi, np.pi, (128, 128)).astype(np.float32)
    for phase, level in ((quiet, 220), (sea, 6)):
        coherence = np.full(phase.shape, level, np.uint8)
        found = detector.predict({"insar_difference": phase, "insar_coherence": coherence})
        assert found.verdict.decision == "Non_Deformation"


def test_predict_uses_it_where_no_model_is_named(tmp_path):
    phase, coherence = source()
    np.savez(tmp_path / "scene.npz", insar_difference=phase, insar_coherence=coherence)
    main(["predict", str(tmp_path / "scene.npz"), "--output", str(tmp_path / "out")])
    summary = json.loads((tmp_path / "out" / "scene.json").read_text())
    assert summary["model"] == IN_THE_BOX and summary["decision"] == "Deformation"


def test_a_run_may_start_from_its_weights():
    from training.models.build import build_model

    config = load_config(ROOT / "configs/pretrained/segmentation.yaml")
    facts = find_published(IN_THE_BOX).facts
    model = build_model(
        config.model,
        objective=config.objective,
        num_channels=facts.planes_per_step,
        timeseries_length=1,
        num_classes=2,
        image_size=64,
    )
    report = load_weights(model, BOX / IN_THE_BOX)
    assert not report.missing and not report.unexpected


@pytest.mark.parametrize("name", ["sierra_negra_03", "erta_ale_01"])
def test_a_real_source_is_found(detector, name):
    path = SHARED / "real" / "crops" / f"{name}.npz"
    if not path.exists():
        pytest.skip("the real crops are not beside this checkout (../shared/real/crops)")
    found = detector.predict(path)
    assert found.verdict.decision == "Deformation"
    row, column = (int(found.verdict.place[key]) for key in ("row", "column"))
    with np.load(path) as crop:
        assert crop["outline"][row, column]
