"""`app.py` as an operator starts it, and as it is deployed to a Space."""

import ast
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version

import pytest
import yaml
from page import gpu

from hub.__main__ import main
from tests.places import ROOT
from tests.spaces.conftest import SPACES, Served, variables


def test_zerogpu_is_used_where_it_is(monkeypatch):
    """PyPI's `spaces` when it is there; the checkout's folder of that name is not mistaken."""
    code = "import sys; sys.path[:0] = {path!r}; import page.gpu; print(page.gpu.GPU)"
    paths = [str(SPACES), str(ROOT)]
    run = subprocess.run(
        [sys.executable, "-c", code.format(path=paths)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "None"
    monkeypatch.setattr(gpu, "GPU", lambda function: lambda *args: ("on a GPU", function(*args)))
    assert gpu.on_gpu(abs)(-3) == ("on a GPU", 3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"HEPHAESTUS_JOBS": "many"}, "HEPHAESTUS_JOBS is 'many'; set it to a whole number"),
        ({"HEPHAESTUS_JOBS": "0"}, "HEPHAESTUS_JOBS is '0'; set it to a whole number"),
        ({}, "cannot be served: Cannot find empty port"),
    ],
)
def test_an_operators_mistake_is_told_in_a_line(changed, said, tmp_path, monkeypatch, capsys):
    values = {f"HEPHAESTUS_{name}": "nowhere" for name in ("MODEL", "CLASSIFIER", "DATASET")} | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_TEMP_DIR": "",  # set by the page, and put back by pytest
        **changed,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(taken.getsockname()[1]))
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(str(SPACES / "app.py"), run_name="__main__")
    told = capsys.readouterr().err
    assert caught.value.code == 1
    assert said in told and "Traceback" not in told
    assert not list(tmp_path.iterdir())


def test_stopped_while_it_starts_it_leaves_nothing_behind(tmp_path):
    served = Served(
        dict.fromkeys(("segmentation", "classification", "dataset", "record", "root"), tmp_path),
        tmp_path,
    )
    end = time.monotonic() + 60
    while not list(tmp_path.glob("hephaestus-page-*")):
        assert served.process.poll() is None and time.monotonic() < end, served.log.read_text()
        time.sleep(0.01)
    served.process.terminate()
    assert served.process.wait(60) == 0, served.log.read_text()
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployed") / "space"
    main(["push-space", "--to-folder", str(folder)])
    return folder


def test_the_spaces_card_says_what_the_hub_needs():
    front = yaml.safe_load((SPACES / "README.md").read_text().split("---")[1])

    assert front["sdk"] == "gradio" and front["sdk_version"] == version("gradio")
    assert (SPACES / front["app_file"]).is_file()
    assert len(front["short_description"]) <= 60
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {front["colorFrom"], front["colorTo"]} <= colours


def test_everything_imported_is_required(deployed):
    """Every third-party import of the deployed files is required, or comes with Gradio."""
    smp = ("segmentation_models_pytorch", "segmentation-models-pytorch")
    names = dict([("PIL", "pillow"), ("yaml", "pyyaml"), smp])
    lines = (deployed / "requirements.txt").read_text().splitlines()
    required = {re.split(r"[\[>=<]", line)[0] for line in lines if line and line[0] != "#"}
    required |= {"gradio", "gradio_client", "starlette"}  # the SDK
    required.add("onnxruntime")  # of an extra, for models exported as ONNX alone
    required |= {"httpx", "httpx2"}  # huggingface_hub's own clients, for their exceptions
    ours = {path.name for path in deployed.iterdir() if path.is_dir()}
    found = set()
    for path in deployed.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    found -= ours | set(sys.stdlib_module_names)
    assert {names.get(name, name) for name in found} <= required


DEPLOYED = """
import runpy, sys, threading
sys.path.insert(0, sys.argv[1])
runpy.run_path(sys.argv[1] + "/app.py")
from page.blocks import build
from page.handlers import Handlers
from page.settings import Settings
handlers = Handlers(Settings.from_environment())
build(handlers)
row = min(handlers.catalogue.entries)
loading = threading.Thread(target=handlers.warm_up)
loading.start()
while loading.is_alive():
    assert handlers.sample(row).steps
    loading.join(0.02)
answer = handlers.endpoint.predict(None, row, "", "", -1, None, lambda *_, **__: None)
assert answer["segmentation"] and answer["classification"]
rooms = ("page", "hub", "training", "dataset_script")
ours = [module for name, module in sys.modules.items() if name.split(".")[0] in rooms]
assert all(module.__file__.startswith(sys.argv[1]) for module in ours), ours
print(len(ours))
"""


def test_the_deployed_page_answers_on_its_own(deployed, world, tmp_path):
    """In a folder of its own it finds all of its modules beside app.py, and none elsewhere.

    In its fresh process a visitor reads rows while another thread imports what models need.
    """
    run = subprocess.run(
        [sys.executable, "-c", DEPLOYED, str(deployed)],
        env=os.environ | variables(world),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert int(run.stdout.split()[-1]) > 20
