"""A project folder as a newcomer has it after a (very small) demo."""

import os
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
    """The rooms and configs, linked into a folder of its own, and data where the demo puts it."""
    folder = tmp_path_factory.mktemp("project")
    for room in ("dataset_script", "training", "hub", "configs"):
        (folder / room).symlink_to(ROOT / room)
    demo = folder / "runs" / "demo"
    synthesize(demo / "minicubes", frames=1, height=64, width=80, acquisitions=30, progress=False)
    export(demo / "minicubes", demo, configs=["ts3"], image_size=32, preview=False, progress=False)
    return folder


@pytest.fixture(scope="session")
def segmenter(project):
    """A packaged segmentation model of one epoch, as the demo leaves it."""
    config = "configs/demo/segmentation.yaml"
    run([sys.executable, "training/train.py", "--config", config, "--training.epochs=1"], project)
    model = "runs/demo/models/segmentation"
    package = ["push-model", "runs/demo/segmentation", "--to-folder", model]
    run([sys.executable, "-m", "hub", *package], project)
    return project / model
