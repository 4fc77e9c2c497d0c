"""The notebooks run from top to bottom."""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.places import ROOT

SMALL = {
    "1_explore_a_minicube": "",
    "2_train_and_evaluate": "FRAMES, ACQUISITIONS, EPOCHS = 1, 16, 1",
    "3_predict_on_your_interferogram": 'MODEL, SCENE = "runs/demo/models/segmentation", None',
}


def test_every_notebook_is_tested():
    assert sorted(SMALL) == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", SMALL)
def test_notebook(name, project, request):
    if "segmentation" in SMALL[name]:
        request.getfixturevalue("segmenter")
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs"), "notebooks are kept without outputs"
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = SMALL[name]
    folder = project / "notebooks"  # where Jupyter starts them
    folder.mkdir(exist_ok=True)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
