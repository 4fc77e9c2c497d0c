"""The notebooks run from top to bottom."""

import re

import nbformat
from nbclient import NotebookClient

from tests.places import ROOT

SMALL = {
    "1_explore_a_minicube": "",
    "2_train_and_evaluate": "FRAMES, ACQUISITIONS, EPOCHS = 1, 16, 1",
    "3_predict_on_your_interferogram": 'MODEL, SCENE = "runs/demo/models/segmentation", None',
}
SIZES = {"height": 72, "width": 88, "acquisitions": 14, "image_size": 48}
"""In place of the numbers that make the notebooks' pictures worth looking at."""


def test_every_notebook_is_tested():
    assert sorted(SMALL) == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_the_notebooks(project, segmenter):
    """In one kernel, which imports once; each starts without names, where Jupyter starts it."""
    folder = project / "notebooks"
    folder.mkdir(exist_ok=True)
    cells = []
    for name, parameters in SMALL.items():
        cells.append(nbformat.v4.new_code_cell(f"%reset -f\n%cd -q {folder}"))
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            assert not cell.get("outputs"), "notebooks are kept without outputs"
            if "parameters" in cell.metadata.get("tags", ()):
                cell.source = parameters
            for name, size in SIZES.items():
                cell.source = re.sub(rf"\b{name}=\d+", f"{name}={size}", cell.source)
        cells += notebook.cells
    notebook.cells = cells
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
