import pytest

from tests.training.experiments import small
from training.fit.experiment import train

HYBRID = {
    "objective": "caption",
    "task": "caption",
    "data.mask_target": "last",
    "model.name": "test_resnet",
    "model.options": {"stage": 3, "hidden_size": 16, "num_hidden_layers": 1}
    | {"num_attention_heads": 2},
    "caption.layers": 1,
    "caption.heads": 2,
    "caption.width": 32,
    "caption.vocabulary": 320,
    "caption.length": 32,
}


def captioning(data, output, **overrides):
    """A configuration of a tiny captioner."""
    values = HYBRID | overrides
    return small(data, output, values.pop("objective"), **values)


@pytest.fixture(scope="session")
def captioned(dataset, tmp_path_factory):
    """The run of a tiny captioner that has learnt the made-up captions."""
    options = {
        "training.epochs": 12,
        "training.validate_every": 6,
        "optimizer.learning_rate": 5e-3,
        "schedule.name": "constant",
    }
    folder = tmp_path_factory.mktemp("caption") / "run"
    return train(captioning(dataset, folder, **options))
