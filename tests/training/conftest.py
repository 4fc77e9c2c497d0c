import pytest

import training.torchvision_schemas  # noqa: F401 (before anything imports torchvision)
from tests.rows import make_dataset_folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Rows of T=3, 32 pixels, three channels."""
    return make_dataset_folder(
        tmp_path_factory.mktemp("rows"),
        counts=(22, 10, 10),
        channels=["insar_difference", "insar_coherence", "dem"],
    )
