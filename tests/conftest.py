"""What every test needs: an offline, quiet, private surrounding."""

import os
import tempfile
from pathlib import Path

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

from tests.places import SHARED  # noqa: E402


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


CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Maps want tiles and scripts of elsewhere; the tests are offline.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="module")
def browser():
    """A headless chromium of the system.

    Of one module: while playwright lives, its event loop runs in the test's thread, where then no
    second playwright and nothing of asyncio can start.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"no chromium at {CHROMIUM}: install Debian's package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield instance
        instance.close()


# What shares a trained run, a served page or a process with everything loaded stays together. The
# groups and rooms that take longest come first, so that no process waits for another at the end.
TOGETHER = {
    "runs": (
        "training/captioning/",
        "training/fit/",
        "training/runs/",
        "training/sweeps/",
        "training/test_evaluate",
    ),
    "pages": ("spaces/test_page", "spaces/test_access", "spaces/records/"),
    "spaces": ("spaces/",),
    "first steps": ("first_steps/",),
}
ROOMS = ("hub/", "training/", "dataset_script/")


def group_of(nodeid):
    """A name of `TOGETHER`, or the test's file."""
    path = nodeid.split("::")[0].removeprefix("tests/")
    return next((name for name, parts in TOGETHER.items() if path.startswith(parts)), path)


def pytest_collection_modifyitems(items):
    """The longest first."""
    order = [*TOGETHER, *ROOMS]

    def place(item):
        group = group_of(item.nodeid)
        return next((n for n, part in enumerate(order) if group.startswith(part)), len(order))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Of `--dist loadfile`: files, but those of a group as one."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return Groups(config, log) if config.getoption("dist") == "loadfile" else None
