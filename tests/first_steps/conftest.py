"""A project folder as a newcomer has it after a (very small) demo."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_script.export import export
from dataset_script.synthetic.pipeline import synthesize
from tests.places import ROOT


def run(command, folder):
    """Run a command in the folder with the environment's own scripts first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """The rooms, linked; the configs, cut to one epoch; and data where the demo puts it."""
    folder = tmp_path_factory.mktemp("project")
    for room in ("dataset_script", "training", "hub"):
        (folder / room).symlink_to(ROOT / room)
    shutil.copytree(ROOT / "configs", folder / "configs")
    for config in (folder / "configs" / "demo").iterdir():
        text, changed = re.subn(r"(?m)^  epochs: \d+$", "  epochs: 1", config.read_text())
        assert changed == 1
        config.write_text(text)
    demo = folder / "runs" / "demo"
    synthesize(demo / "minicubes", frames=1, height=64, width=80, acquisitions=30, progress=False)
    export(demo / "minicubes", demo, configs=["ts3"], image_size=32, preview=False, progress=False)
    return folder


def package(run, task):
    """Package a run where the demo leaves the model of a task."""
    from hub.__main__ import main

    main(["push-model", run, "--to-folder", f"runs/demo/models/{task}"])


@pytest.fixture(scope="session")
def segmenter(project):
    """The demo's segmentation model, trained for an epoch."""
    from training.train import main

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        main(["--config", "configs/demo/segmentation.yaml"])
        package("runs/demo/segmentation", "segmentation")
