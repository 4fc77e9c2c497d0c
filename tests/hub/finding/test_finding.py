"""A sentence finds interferograms: the table, the sheet, what is kept, and mistakes."""

import datasets
import numpy as np
import pytest
from PIL import Image

from dataset_script.channels import INSAR_CHANNELS
from dataset_script.errors import ConfigError
from hub.__main__ import main
from hub.finding.finding import find
from hub.finding.kept import Kept
from tests.hub.captioners import make_caption_run
from tests.hub.retrievers import make_retrieval_run
from tests.rows import make_dataset_folder
from training.evaluation.retrieval import embedding

SENTENCE = "a sill of high intensity without atmosphere"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A packaged retriever of one date."""
    folder = tmp_path_factory.mktemp("retriever")
    make_retrieval_run(folder / "run")
    main(["push-model", str(folder / "run"), "--to-folder", str(folder / "out")])
    return str(folder / "out")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Single pairs of the three channels that the retriever reads."""
    root = tmp_path_factory.mktemp("rows")
    return str(make_dataset_folder(root, 1, counts=(4, 3, 5), channels=INSAR_CHANNELS))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_table_and_sheet(model, dataset, tmp_path, capsys):
    sheet = tmp_path / "found.png"
    main(["find", model, dataset, f"{SENTENCE}, lava", "--top", "7", "--output", str(sheet)])
    said = capsys.readouterr()
    head, *rows, last = said.out.splitlines()
    assert head.split() == ["score", "frame", "dates", "caption"]
    assert [row.split()[0] for row in rows] == [str(number) for number in range(1, 8)]
    scores = [float(row.split()[1]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert all(row.endswith(("A deformation pattern.", "No deformation.")) for row in rows)
    assert last == str(sheet)
    assert "note: captions have no word 'lava'" in said.err and "no word 'sill'" not in said.err
    with Image.open(sheet) as picture:
        assert picture.width > 1200 and picture.height > 700


def test_one_split_alone_and_fewer_than_asked_for(model, dataset):
    found = find(model, dataset, SENTENCE, splits="test")
    assert found.searched == len(found.hits) == 5
    assert {hit.dates[0][:4] for hit in found.hits} == {"2020"}
    assert np.isfinite(found.hits[0].phase).any()
    whole = find(model, dataset, SENTENCE, top=12)
    assert whole.searched == 12
    among = [hit.score for hit in whole.hits if hit.dates[0].startswith("2020")]
    assert [hit.score for hit in found.hits] == pytest.approx(among, abs=1e-5)


def test_looked_at_once(model, dataset, cache, tmp_path, monkeypatch):
    first = find(model, dataset, SENTENCE).to_text()
    (kept,) = (cache / "hephaestus-directions").iterdir()
    assert kept.suffix == ".safetensors"
    looked = []

    def look(*arguments, **named):
        looked.append(1)
        return real(*arguments, **named)

    real = embedding.embed_split
    monkeypatch.setattr(embedding, "embed_split", look)
    assert find(model, dataset, SENTENCE).to_text() == first
    assert find(model, dataset, "no deformation").to_text() != first
    assert not looked
    kept.write_bytes(kept.read_bytes()[:-9])
    assert find(model, dataset, SENTENCE).to_text() == first
    assert len(looked) == 1
    make_retrieval_run(tmp_path / "run", seed=1)
    other = tmp_path / "other"
    main(["push-model", str(tmp_path / "run"), "--to-folder", str(other)])
    assert find(str(other), dataset, SENTENCE).to_text() != first
    assert len(looked) == 2
    assert len(list((cache / "hephaestus-directions").iterdir())) == 2


def test_directions_of_other_data_are_not_taken(tmp_path):
    class Rows:
        fingerprint = "one"

    class Samples:
        rows, task = Rows(), type("Task", (), {"timeseries_length": 1})()

        def __len__(self):
            return 2

        def metadata(self, number):
            return type("Known", (), {"sample_id": str(number)})()

    samples = Samples()
    first = Kept("weights", samples)
    assert first.read() is None
    first.write(np.eye(2, dtype="float32"))
    assert np.array_equal(Kept("weights", samples).read(), np.eye(2))
    assert Kept("others", samples).read() is None
    Rows.fingerprint = "two"
    other = Kept("weights", samples)
    assert other.read() is None
    first.file.rename(other.file)  # whatever its name says
    assert other.read() is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sentence": "  "}, "give a sentence to look for"),
        ({"top": 0}, "--top is 0; it must be 1 or more"),
    ],
)
def test_mistakes_are_named(model, dataset, given, expected):
    with pytest.raises(ConfigError, match=expected):
        find(**{"model": model, "dataset": dataset, "sentence": SENTENCE} | given)


def test_models_and_data_that_do_not_fit(model, dataset, tmp_path, capsys):
    make_caption_run(tmp_path / "run")
    main(["push-model", str(tmp_path / "run"), "--to-folder", str(tmp_path / "captioner")])
    with pytest.raises(ConfigError, match="is for caption; find takes one for retrieval"):
        find(str(tmp_path / "captioner"), dataset, SENTENCE)
    large = make_dataset_folder(
        tmp_path / "large", 1, size=48, counts=(2, 2, 2), channels=INSAR_CHANNELS
    )
    with pytest.raises(ConfigError, match=r"reads crops of 32 pixels .* holds crops of 48"):
        find(model, str(large), SENTENCE)
    capsys.readouterr()
    (tmp_path / "x.tif").touch()
    for command in (
        ["predict", model, str(tmp_path / "x.tif"), "--output", str(tmp_path / "out")],
        ["export-model", model, "--output", str(tmp_path / "onnx")],
    ):
        with pytest.raises(SystemExit):
            main(command)
    said = capsys.readouterr().err
    assert "gives no verdict" in said and "two networks" in said
