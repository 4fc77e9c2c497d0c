"""The cards' and the pages' Python runs as it stands."""

import re

import numpy as np
import pytest
import torch
from datasets import load_dataset
from torch.utils.data import DataLoader

from dataset_script.errors import DataError
from dataset_script.export import export
from hub.__main__ import main
from tests.cubes import write_minicubes
from tests.hub.facts import KINDS
from tests.hub.licsar import write_frame
from tests.hub.models import make_run
from tests.places import ROOT
from training.inputs.collate import collate
from training.inputs.preprocessing import Preprocessor

SIZE = 24


def blocks(page):
    """The Python blocks of a page, as one program."""
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.S))


def run(page, found=None):
    """What the blocks of a page leave behind."""
    found = {} if found is None else found
    exec(compile(blocks(page), str(page), "exec"), found)
    return found


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards") / "cubes"
    write_minicubes(folder)
    return folder


@pytest.fixture(scope="module")
def dataset(cubes):
    options = {"image_size": SIZE, "preview": False, "progress": False}
    return export(cubes, cubes.parent, ("ts3", "groups"), atmosphere=5, **options)


@pytest.mark.parametrize("kind", ["plain", "groups", "webdataset"])
def test_a_datasets_card(cubes, dataset, tmp_path, monkeypatch, kind):
    options = {"image_size": SIZE, "preview": False, "progress": False}
    folder = dataset
    if kind == "groups":
        folder = export(cubes, tmp_path, ["groups"], **options)
    elif kind == "webdataset":
        folder = export(cubes, tmp_path, ["ts3"], format="webdataset", **options)
    monkeypatch.chdir(folder.parent)
    found = run(folder / "README.md")
    if kind == "webdataset":
        assert next(iter(found["stream"]))["image.pth"] is not None
        return
    steps = 3 if kind == "plain" else 4
    assert found["row"]["insar_difference"].shape == (steps, SIZE, SIZE)
    assert all(isinstance(value, torch.Tensor) for value in found["row"].values())
    batch = found["batch"]
    assert batch["images"].shape[1:] == (steps, 9, SIZE, SIZE)
    assert batch["images"].dtype == torch.float32 and batch["images"].isfinite().all()
    assert batch["mask"].shape[1:] == (steps, SIZE, SIZE) and batch["label"].shape == (1,)


def test_batches_are_what_the_training_sees(dataset):
    rows = load_dataset(str(dataset), "ts3", split="train")
    names = ["dem", "insar_difference", "secondary_date_surface_pressure"]
    plain = rows.with_format("numpy")[0]
    rasters = {name: torch.as_tensor(plain[name])[None] for name in names}
    batch = collate([plain], names)
    assert torch.equal(batch["images"], Preprocessor(names, 3)(rasters))
    assert batch["sample_id"] == [rows[0]["sample_id"]]
    assert batch["label"].tolist() == [rows[0]["label"]]
    assert torch.equal(batch["mask"][0], torch.as_tensor(plain["deformation_mask"]))
    for other in (rows, rows.select_columns([*names, "label"]).with_format("torch")):
        assert torch.equal(collate([other[0]], names)["images"], batch["images"])
    missing = {**plain, "dem": np.full_like(plain["dem"], np.nan)}
    assert not collate([missing], names)["images"][:, :, 0].any()


def test_a_stream_in_workers_gives_each_row_once(dataset):
    stream = load_dataset(str(dataset), "ts3", split="train", streaming=True)
    loader = DataLoader(
        stream.with_format("numpy"), batch_size=1, collate_fn=collate, num_workers=1
    )
    seen = [name for batch in loader for name in batch["sample_id"]]
    rows = load_dataset(str(dataset), "ts3", split="train")
    assert sorted(seen) == sorted(rows["sample_id"])


def test_rows_that_do_not_stack_are_told(dataset):
    row = load_dataset(str(dataset), "groups", split="train").with_format("numpy")[0]
    short = {**row, "insar_difference": row["insar_difference"][:2]}
    with pytest.raises(DataError, match=r"insar_difference differs in shape.*ts<N>"):
        collate([row, short])
    with pytest.raises(DataError, match="no column insar_coherence"):
        collate([{"insar_difference": row["insar_difference"]}], ["insar_coherence"])
    with pytest.raises(DataError, match="one count is needed"):
        collate([{"dem": row["dem"]}])


@pytest.mark.parametrize("kind", KINDS)
def test_a_models_card(kind, tmp_path):
    make_run(tmp_path / "run", kind)
    main(["push-model", str(tmp_path / "run"), "--to-folder", str(tmp_path / "out")])
    assert run(tmp_path / "out" / "README.md")["logits"].isfinite().all()


def test_one_missing_value_makes_every_logit_nan_without_those_lines(tmp_path):
    """So says the card of the processor."""
    from transformers import AutoImageProcessor

    facts, model = make_run(tmp_path / "run", "vit")
    main(["push-model", str(tmp_path / "run"), "--to-folder", str(tmp_path / "out")])
    processor = AutoImageProcessor.from_pretrained(tmp_path / "out")
    planes = np.zeros((6, facts.image_size, facts.image_size), "float32")
    planes[2, 0, 0] = np.nan
    inputs = processor(planes, return_tensors="pt")["pixel_values"].float()
    assert model.backbone(inputs).logits.isnan().all()


def test_the_card_in_the_box_and_the_page_on_prediction(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    box = ROOT / "hub" / "pretrained" / "deformation-segmenter" / "README.md"
    assert run(box)["logits"].isfinite().all()
    (path,) = write_frame(tmp_path, secondaries=["20170115"])
    monkeypatch.chdir(path.parent)
    caller = {"scene": path.name, "show": lambda first: None, "stopped": False}
    run(ROOT / "docs" / "prediction.md", caller)
    assert "probability" in capsys.readouterr().out and (path.parent / "out").is_dir()
