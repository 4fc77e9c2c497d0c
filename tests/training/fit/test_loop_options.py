"""What the configuration and accelerate can switch on in the loop, each seen to act."""

from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

from dataset_script.errors import ConfigError
from tests.training.experiments import history, small
from training.data.sources import open_data
from training.fit.experiment import train
from training.fit.objectives.captions import CaptionTrainer
from training.fit.objectives.retrieval import RetrievalTrainer
from training.fit.objectives.trainer import Trainer
from training.runs.loaded_run import load_run

STILL = {"optimizer.learning_rate": 0.0, "training.sampling": "all"}


def trainer(dataset, run, objective="classification", accelerator=None, **overrides):
    config = small(dataset, run, objective, **overrides)
    data = open_data(config, ("train", "validation"))
    return Trainer(config, data, accelerator or Accelerator())


def loss_of_an_epoch(subject, monkeypatch):
    """Mean loss of an epoch without batch statistics."""
    subject.model.eval()
    monkeypatch.setattr(subject.model, "train", lambda: None)
    subject._train_epoch()
    return subject.running.mean(subject.progress.samples)


def test_confidence_weighs_samples(dataset, tmp_path, monkeypatch):
    """All annotators of the made-up rows are sure to 0.8."""
    plain, weighed = (
        loss_of_an_epoch(
            trainer(dataset, tmp_path, **STILL, **{"loss.confidence": confident}), monkeypatch
        )
        for confident in (False, True)
    )
    assert weighed == pytest.approx(0.8 * plain)


def test_clipping_bounds_an_update(dataset, tmp_path):
    subject = trainer(
        dataset,
        tmp_path,
        **{"training.clip": 1e-3, "training.batch_size": 22, "training.sampling": "all"},
        **{"optimizer.name": "sgd", "optimizer.learning_rate": 2.0, "optimizer.momentum": 0.0},
        **{"optimizer.weight_decay": 0.0, "schedule.name": "constant"},
    )

    def weights():
        return torch.cat([p.detach().flatten() for p in subject.model.parameters()])

    before = weights()
    subject._train_epoch()
    assert subject.progress.update == 1
    assert (weights() - before).norm().item() == pytest.approx(2e-3, rel=1e-2)


def test_reading_threads_change_no_weight(dataset, tmp_path):
    runs = [
        train(small(dataset, tmp_path / str(workers), **{"data.workers": workers}))
        for workers in (0, 3)
    ]
    assert history(runs[0]) == history(runs[1])
    ours, theirs = (load_run(run).model.state_dict() for run in runs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_compiled_model_is_compiled_and_gives_the_same(dataset, tmp_path, monkeypatch):
    graphs = []

    def noted(graph, inputs):
        graphs.append(graph)
        return graph.forward

    plain = torch.compile
    monkeypatch.setattr(torch, "compile", lambda *a, **k: plain(*a, **k, backend=noted))
    options = {"training.epochs": 1, "training.ema_decay": 0.9, "training.batch_size": 11}
    runs = [
        train(small(dataset, tmp_path / str(on), **options, **{"training.compile": on}))
        for on in (False, True)
    ]
    assert graphs
    losses = [history(run)[0]["train"]["loss"] for run in runs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    load_run(runs[1])  # under the names of a model that is not compiled


@pytest.fixture
def bfloat16():
    """accelerate's state is one for the process: given back as it was."""
    AcceleratorState._reset_state()
    yield Accelerator(mixed_precision="bf16")
    AcceleratorState._reset_state()


def test_bfloat16_computes_in_it_and_keeps_whole_weights(dataset, tmp_path, bfloat16):
    subject = trainer(dataset, tmp_path, accelerator=bfloat16, **{"training.ema_decay": 0.9})
    kinds = set()
    convolution = next(m for m in subject.model.modules() if isinstance(m, torch.nn.Conv2d))
    convolution.register_forward_hook(lambda module, given, answer: kinds.add(answer.dtype))
    subject.fit()
    assert kinds == {torch.bfloat16}
    assert {p.dtype for p in subject.model.parameters()} == {torch.float32}
    lines = history(tmp_path)
    assert lines[-1]["train"]["loss"] < lines[0]["train"]["loss"]
    assert 0 <= lines[-1]["validation_ema"]["auroc"] <= 1
    average = subject.ema.module
    with torch.no_grad():
        for parameter in average.parameters():
            parameter.zero_()
        answer = average(torch.randn(1, 3, 3, 32, 32))
    assert not answer.any(), "the average answers with its own weights, not the model's"


def test_an_average_of_sharded_weights_is_refused(dataset, tmp_path):
    accelerator = SimpleNamespace(distributed_type=DistributedType.FSDP)
    with pytest.raises(ConfigError, match=r"training\.ema_decay needs whole weights.*set null"):
        trainer(dataset, tmp_path, accelerator=accelerator, **{"training.ema_decay": 0.9})


@pytest.mark.parametrize("kind", [CaptionTrainer, RetrievalTrainer])
def test_what_needs_a_whole_model_is_not_sharded(kind):
    accelerator = SimpleNamespace(distributed_type=DistributedType.FSDP)
    config = SimpleNamespace(objective="caption")
    with pytest.raises(ConfigError, match=r"objective caption needs a whole model.*ddp\.yaml"):
        kind(config, None, accelerator)


def test_a_frozen_encoder_stays_as_it_started(dataset, tmp_path, trained):
    objective = load_run(trained).facts.objective
    options = {"model.init_from": str(trained), "model.freeze_encoder": True}
    subject = trainer(dataset, tmp_path, objective, **options, **{"optimizer.learning_rate": 0.1})
    before = {name: value.clone() for name, value in subject.model.state_dict().items()}
    subject._train_epoch()
    changed = {n for n, value in subject.model.state_dict().items() if not value.equal(before[n])}
    if objective == "classification":
        assert changed == {"backbone.fc.weight", "backbone.fc.bias"}
    else:
        assert changed == {name for name in before if "encoder" not in name}
