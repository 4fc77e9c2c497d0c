import pytest

import training.torchvision_schemas  # noqa: F401 (before anything imports torchvision)
from tests.rows import make_dataset_folder
from tests.training.experiments import small
from training.evaluation import evaluating
from training.fit.experiment import train

OTHERS = [
    ("classification", "activity_type"),
    ("classification", "intensity"),
    ("classification", "phase"),
    ("segmentation", "activity_type"),
    ("segmentation", "intensity"),
]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Rows of T=3, 32 pixels, three channels."""
    return make_dataset_folder(
        tmp_path_factory.mktemp("rows"),
        counts=(22, 10, 10),
        channels=["insar_difference", "insar_coherence", "dem"],
    )


@pytest.fixture(scope="session", params=["classification", "segmentation"])
def trained(request, dataset, tmp_path_factory):
    """The run of a tiny model that has learnt the blobs."""
    segment = request.param == "segmentation"
    options = {
        "training.epochs": 8,
        "optimizer.learning_rate": 4e-3,
        "training.ema_decay": 0.9,
        "training.select": "iou" if segment else "auroc",
        "loss.terms": {"cross_entropy": 1.0, "dice": 1.0} if segment else {"cross_entropy": 1.0},
    }
    folder = tmp_path_factory.mktemp(request.param) / "run"
    return train(small(dataset, folder, request.param, **options))


@pytest.fixture(scope="session", params=OTHERS, ids=" of ".join)
def other(request, dataset, tmp_path_factory):
    """A run of each task but the binary one."""
    objective, task = request.param
    folder = tmp_path_factory.mktemp(task) / "run"
    return train(small(dataset, folder, objective, task=task, **{"training.epochs": 2}))


@pytest.fixture
def undrawn(monkeypatch):
    """Evaluation without its figures, which take longer than everything else of a tiny run."""
    monkeypatch.setattr(evaluating, "_draw", lambda *_: None)
