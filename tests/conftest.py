"""What every test needs: an offline, quiet, private surrounding."""

import os
import tempfile

# Read by the libraries at import, so they are set before any test module is collected.
_HOME = tempfile.mkdtemp(prefix="hephaestus-tests-")
os.environ.update(
    HF_HOME=_HOME,
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HF_DATASETS_DISABLE_PROGRESS_BARS="1",
    GRADIO_ANALYTICS_ENABLED="False",
    MPLBACKEND="Agg",
    NO_PROXY="127.0.0.1,localhost",
    OMP_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
)
os.environ.setdefault("HF_HUB_OFFLINE", "1")


import pytest  # noqa: E402

from tests.places import ROOT, SHARED  # noqa: E402


@pytest.fixture(scope="session")
def annotations_dir():
    """The real annotations of all 38 frames."""
    folder = SHARED / "annotations"
    if not (folder / "annotations.json").exists():
        pytest.skip("the real annotations are not beside this checkout (../shared/annotations)")
    return folder


@pytest.fixture(scope="session")
def real_crop():
    """The real Erta Ale crop, an .npz."""
    path = SHARED / "real" / "erta_ale_2017_512.npz"
    if not path.exists():
        pytest.skip("the real pixels are not beside this checkout (../shared/real)")
    return path


def pytest_collection_modifyitems(items):
    """The rooms with the longest files first, so that no process waits for another at the end."""
    rooms = ("first_steps", "training", "spaces", "hub", "dataset_script")

    def place(item):
        room = item.path.relative_to(ROOT / "tests").parts[0]
        return rooms.index(room) if room in rooms else len(rooms)

    items.sort(key=place)
