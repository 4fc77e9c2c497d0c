"""The Space's repository holds what the page needs, and nothing else."""

import pytest

from hub.__main__ import main
from hub.errors import HubError
from hub.repos.space import needed_modules, prepare_space


def write(root, **files):
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_modules_are_followed_to_the_end(tmp_path):
    write(
        tmp_path,
        spaces__app="import os\nfrom hub.detector import Detector\nimport numpy",
        hub__init="",
        hub__detector="def f():\n  from training import facts\n  import dataset_script.channels",
        hub__publishing="import training.train",
        training__facts="from . import labels",
        training__labels="",
        training__train="",
        dataset_script__channels="",
    )
    for room in ("hub", "training", "dataset_script"):
        (tmp_path / room / "__init__.py").touch()
    found = needed_modules([tmp_path / "spaces/app.py"], tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "dataset_script/__init__.py",
        "dataset_script/channels.py",
        "hub/__init__.py",
        "hub/detector.py",
        "training/__init__.py",
        "training/facts.py",
        "training/labels.py",
    ]


def test_a_missing_page_is_told(tmp_path):
    with pytest.raises(HubError, match=r"app\.py is missing"):
        prepare_space(tmp_path / "out", tmp_path)


def test_the_pages_repository_holds_what_it_imports_and_no_more(hub):
    push = ["push-space", "--repo-id", "NS/demo", "--model", "NS/unet", "--examples", "NS/data"]
    main(push)
    repo = hub.repo("NS/demo", "spaces")
    assert repo.sdk == "gradio"
    assert repo.variables == {"HEPHAESTUS_MODEL": "NS/unet", "HEPHAESTUS_DATASET": "NS/data"}
    files = repo.head()
    assert {"app.py", "README.md", "requirements.txt", "hub/inference/detector.py"} <= set(files)
    for unwanted in (
        "training/runs/checkpoints.py",
        "hub/repos/packaging.py",
        "dataset_script/export.py",
    ):
        assert unwanted not in files
