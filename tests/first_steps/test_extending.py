"""docs/extending.md's channels go from the cube to the prediction, by its own lines."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest

from dataset_script.channels import Channel
from dataset_script.errors import ConfigError
from tests.cubes import FRAME, GRID, HEIGHT, PAIR, WIDTH, make_cube, make_records, write_cube
from tests.places import ROOT

METRIC, _, PAGE = (ROOT / "docs" / "extending.md").read_text().partition("## A channel")
TABLE = re.search(r"```python\n(.*?)```", PAGE, re.S)[1]
COMMANDS = re.search(r"```bash\n(.*?)```", PAGE, re.S)[1].strip().splitlines()
MAINS = {"dataset_script": "dataset_script.__main__", "hub": "hub.__main__"}

ANGLE = np.linspace(30, 45, WIDTH, dtype="float32") + np.zeros((HEIGHT, 1), "float32")
"""As smooth as a smooth channel is."""


def driver(commands):
    """Python that runs the page's commands one after the other, with what they import read once."""
    lines = ["import importlib, sys"]
    for command in commands:
        words = shlex.split(re.sub(r"--image-size \d+", "--image-size 32", command))
        start = words.index("-m") + 1 if "-m" in words else words.index("training/train.py")
        module = MAINS.get(words[start], "training.train")
        lines.append(f"importlib.import_module({module!r}).main({words[start + 1 :]!r})")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkout with the page's rows in its table, a cube with their variables, and the runs."""
    folder = tmp_path_factory.mktemp("checkout")
    for room in ("dataset_script", "training", "hub"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "configs" / "demo", folder / "configs" / "demo")
    table = folder / "dataset_script" / "channels.py"
    text, found = re.subn(r"(?ms)^CHANNELS: .*?^\)\n", lambda _: TABLE, table.read_text())
    assert found == 1
    table.write_text(text)
    config = folder / "configs" / "demo" / "segmentation.yaml"
    text, cut = re.subn(r"(?m)^  epochs: \d+$", "  epochs: 1", config.read_text())
    assert cut == 1
    config.write_text(text.replace("[tensorboard]", "[]"))
    records = make_records()
    cube = make_cube(records)
    shape = cube["insar_difference"].shape
    change = np.random.default_rng(0).normal(0, 3, shape).astype("float32")
    change[..., :3, :3] = np.nan
    extra = {"incidence_angle": (GRID, ANGLE), "backscatter_change": ((*PAIR, *GRID), change)}
    write_cube(cube.assign(extra), folder / "minicubes")
    (folder / "minicubes" / "annotations.json").write_text(json.dumps(records))
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", driver(COMMANDS)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (folder / "said.txt").write_text(done.stdout + done.stderr)
    return folder


def test_the_channels_reach_the_dataset(folder):
    from datasets import load_dataset

    row = load_dataset(str(folder / "out" / "hephaestus-minicubes"), "ts3", split="train")
    row = row.with_format("numpy")[0]
    top, left, height, width = row["window"]
    assert np.array_equal(row["incidence_angle"], ANGLE[top : top + height, left : left + width])
    change = row["backscatter_change"]
    assert change.shape == (3, 32, 32) and change.dtype == np.float32
    assert len({step.tobytes() for step in change}) == 3  # at every pixel of every step
    card = (folder / "out" / "hephaestus-minicubes" / "README.md").read_text()
    assert "| `incidence_angle` | incidence angle | degree | float32 | 32, 32 | 39 | 4 |" in card


def test_the_channels_reach_the_model_and_the_prediction(folder):
    facts = json.loads((folder / "runs" / "wider" / "package" / "hephaestus.json").read_text())
    assert facts["channels"][-2:] == ["incidence_angle", "backscatter_change"]
    assert facts["mean"][-2:] == [39.0, 0.0] and facts["std"][-2:] == [4.0, 3.0]
    card = (folder / "runs" / "wider" / "package" / "README.md").read_text()
    assert "`backscatter_change` | dB" in card
    answers = list((folder / "out" / "found").rglob("*.json"))
    assert answers
    assert FRAME in "".join(map(str, answers)) and "not in the input" not in answers[0].read_text()
    assert "not in the input" not in (folder / "said.txt").read_text()


def test_a_metric_of_ones_own(project, segmenter, monkeypatch, capsys):
    code = re.search(r"## A metric.*?```python\n(.*?)```", METRIC, re.S)[1]
    monkeypatch.chdir(project)
    found = {}
    exec(compile(code, "extending.md", "exec"), found)
    assert len(found["error"]) == len(found["rows"]) > 0
    assert "pixels too large" in capsys.readouterr().out


ROW = {"name": "x", "title": "x", "unit": "1", "mean": 0.0, "std": 1.0}
PLAIN = ROW | {"kind": "pair", "physics": "other", "storage": "float32"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "both"}, "kind is 'both', not one of pair, primary, secondary, static"),
        ({"physics": "wether"}, "physics is 'wether'"),
        ({"storage": "float64"}, "storage is 'float64'"),
        ({"std": 0.0}, "std is 0.0; it must be positive"),
        ({"name": "Bad name"}, "small letters"),
        ({"kind": "primary"}, "begins with primary_date_"),
        ({"name": "primary_date_x"}, "its name says primary date, its kind pair"),
        ({"physics": "coherence"}, "coherence is of kind pair and stored as uint8"),
        ({"physics": "phase", "kind": "static"}, "phase is of kind pair and stored as float32"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(changes, why):
    Channel(**PLAIN)
    with pytest.raises(ConfigError, match=why):
        Channel(**PLAIN | changes)
