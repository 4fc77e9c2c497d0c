"""A Hub of one's own, and processes that know the libraries but none of our packages."""

import os
import subprocess
import sys
from functools import partial

import pytest

from tests.hub_server.server import TOKEN, HubServer

# A CPU-only torch beside a torchvision that was built for CUDA cannot import it, and with it timm
# and transformers' image models: the operators' schemas are missing. They are declared here for
# processes that must not import our packages (training/__init__.py does it for those that do).
SITECUSTOMIZE = """
import importlib.abc, sys

class DeclareSchemas(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch
            try:
                import torchvision
            except RuntimeError:
                for part in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
                    del sys.modules[part]
                library = torch.library.Library("torchvision", "FRAGMENT")
                for op in ("nms", "qnms"):
                    library.define(op + "(Tensor d, Tensor s, float t) -> Tensor")
                sys.torchvision_schemas = library
        return None

sys.meta_path.insert(0, DeclareSchemas())
"""


def use_server(monkeypatch, server, xet=False):
    """Let huggingface_hub talk to a server in this process, without waiting to retry."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", not xet)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)


@pytest.fixture
def hub(monkeypatch):
    """A running server, and this process its client on the LFS path."""
    with HubServer() as server:
        use_server(monkeypatch, server)
        yield server


def hub_environment(server, **variables):
    """Environment of a client process that talks to the server, on the LFS path."""
    return os.environ | {
        "HF_HUB_OFFLINE": "0",
        "HF_ENDPOINT": server.url,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        **variables,
    }


@pytest.fixture(scope="session")
def plain_site(tmp_path_factory):
    """A folder for PYTHONPATH that lets torchvision be imported where it does not fit torch."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    return folder


def run_plain(site, home, code, server=None, check=True, **variables):
    """Run code in a clean process, elsewhere, with the libraries but without our packages."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "PYTHONPATH": str(site),
        "OMP_NUM_THREADS": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        **variables,
    }
    if server:
        environment |= {"HF_ENDPOINT": server.url, "HF_TOKEN": TOKEN}
    else:
        environment["HF_HUB_OFFLINE"] = "1"
    (home / "elsewhere").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=home / "elsewhere",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if check:
        assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture
def plain(plain_site, tmp_path):
    """`run_plain` in the test's own folder."""
    return partial(run_plain, plain_site, tmp_path)
