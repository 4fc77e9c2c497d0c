"""A served page with tiny models and a made-up dataset, and a browser to look at it with."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from tests.places import ROOT

SPACES = ROOT / "spaces"
# app.py lies beside `page` and is run as a script; the tests import it from the same place.
sys.path.insert(0, str(SPACES))

OUTPUT = ROOT / "test-output"
TIMEOUT_MS = int(os.environ.get("PAGE_TIMEOUT_MS", "120000"))


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Folders of a tiny segmenter, a tiny classifier, a made-up dataset and a record."""
    from hub.repos.packaging import package_model
    from tests.hub.models import make_facts, make_model
    from tests.rows import make_dataset_folder
    from tests.spaces.records.made import make_record

    root = tmp_path_factory.mktemp("space")
    folders = {}
    for name, kind in (("segmentation", "smp"), ("classification", "timm")):
        facts = make_facts(kind, steps=3)
        folders[name] = package_model(
            make_model(kind, facts).backbone, facts, root / "models" / name
        )
    folders["dataset"] = make_dataset_folder(root, steps=3, size=64, counts=(8, 4, 6))
    folders["record"] = root / "record"
    folders["record"].mkdir()
    make_record(folders["record"])
    folders["root"] = root
    return folders


@pytest.fixture(scope="session")
def settings(world):
    """What an operator would set for this world."""
    from page.settings import Settings

    return Settings(
        segmenter=str(world["segmentation"]),
        classifier=str(world["classification"]),
        dataset=str(world["dataset"]),
        model_roots=(world["root"].resolve(),),
    )


def variables(world):
    """The same settings as environment variables."""
    return {
        "HEPHAESTUS_MODEL": str(world["segmentation"]),
        "HEPHAESTUS_CLASSIFIER": str(world["classification"]),
        "HEPHAESTUS_DATASET": str(world["dataset"]),
        "HEPHAESTUS_RECORD": str(world["record"]),
        "HEPHAESTUS_MODEL_ROOTS": str(world["root"]),
    }


class Served:
    """`python spaces/app.py` in a process and a temporary folder of its own."""

    def __init__(self, world, temporary):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.temporary = temporary
        self.log = temporary.with_suffix(".log")
        own = {
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "TMPDIR": str(temporary),
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(SPACES / "app.py")],
                env=os.environ | variables(world) | own,
                cwd=temporary,
                stdout=log,
                stderr=log,
            )

    def wait(self, seconds=300):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/config", timeout=2):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.3)
        raise AssertionError(f"the page did not come up:\n{self.log.read_text()}")

    def files(self):
        """What lies in the process's temporary folder."""
        return sorted(
            str(p.relative_to(self.temporary)) for p in self.temporary.rglob("*") if p.is_file()
        )

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="package")
def served(world):
    """The page, running."""
    with tempfile.TemporaryDirectory(prefix="space-") as folder:
        temporary = Path(folder) / "tmp"
        temporary.mkdir()
        page = Served(world, temporary)
        try:
            page.wait()
            yield page
        finally:
            page.stop()
        assert list(temporary.iterdir()) == [], "the process left files behind"


def open_page(browser, url, width=1280, height=900, dark=False):
    """A page that has loaded, in a context of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        accept_downloads=True,
    )
    page = context.new_page()
    # On a busy machine the first answer waits for the models to load.
    page.set_default_timeout(TIMEOUT_MS)
    theme = f"__theme={'dark' if dark else 'light'}"
    page.goto(f"{url}&{theme}" if "?" in url else f"{url.rstrip('/')}/?{theme}")
    # The controls are drawn after the heading; keys pressed before reach none of them.
    page.get_by_role("radio", name="Sill").wait_for()
    return page


@pytest.fixture
def visit(browser, served):
    """Open the page; `visit(width, dark)` returns a playwright page that has loaded."""
    pages = []

    def go(**options):
        pages.append(open_page(browser, served.url, **options))
        return pages[-1]

    yield go
    for page in pages:
        page.context.close()
