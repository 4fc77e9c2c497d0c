import pytest

from tests.training.captioning.conftest import HYBRID
from tests.training.experiments import small
from training.fit.experiment import train

OWN = {"objective": "retrieval", "training.select": "mrr", "training.batch_size": 8}


def retrieving(data, output, **overrides):
    """A configuration of a tiny retriever."""
    values = HYBRID | OWN | overrides
    return small(data, output, values.pop("objective"), **values)


@pytest.fixture(scope="session")
def retrieved(dataset, tmp_path_factory):
    """The run of a tiny retriever that has learnt the made-up captions."""
    options = {
        "training.epochs": 14,
        "training.validate_every": 14,
        "optimizer.learning_rate": 3e-3,
        "schedule.name": "constant",
    }
    folder = tmp_path_factory.mktemp("retrieval") / "run"
    return train(retrieving(dataset, folder, **options))
