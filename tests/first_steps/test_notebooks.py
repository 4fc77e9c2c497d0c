"""The notebooks run from top to bottom."""

import os
import re

import nbformat

from tests.places import ROOT
from tests.training import processes

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
    """In a process that has loaded the libraries; each starts without names, in Jupyter's place."""
    folder = project / "notebooks"
    folder.mkdir(exist_ok=True)
    for name, parameters in SMALL.items():
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        cells = []
        for cell in notebook.cells:
            assert not cell.get("outputs"), "notebooks are kept without outputs"
            if cell.cell_type != "code":
                continue
            code = parameters if "parameters" in cell.metadata.get("tags", ()) else cell.source
            for size, number in SIZES.items():
                code = re.sub(rf"\b{size}=\d+", f"{size}={number}", code)
            cells.append(code)
        assert cells
        (ended,) = processes.run(run_cells, str(folder), cells)
        assert ended == len(cells)


def run_cells(folder, cells):
    """Run cells in IPython, as a kernel does; the number of cells that ran."""
    from IPython.core.interactiveshell import InteractiveShell

    os.chdir(folder)
    shell = InteractiveShell.instance()
    for number, code in enumerate(cells):
        done = shell.run_cell(code, store_history=True)
        if not done.success:
            error = done.error_in_exec or done.error_before_exec
            raise AssertionError(f"cell {number}: {type(error).__name__}: {error}\n{code}")
    return len(cells)
