"""A captioner beside a model that judges: its sentence in the files, never in the verdict."""

import dataclasses
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from dataset_script.errors import ConfigError
from hub.__main__ import main
from hub.errors import HubError
from hub.inference.batch import predict_many
from hub.inference.captioning import SceneCaptioner
from tests.hub.captioners import make_caption_run
from tests.hub.facts import SIZE
from tests.hub.pointwise import frame_scene, pointwise


@pytest.fixture(scope="module")
def captioner(tmp_path_factory):
    """A packaged captioner's folder."""
    folder = tmp_path_factory.mktemp("captioner")
    make_caption_run(folder / "run")
    main(["push-model", str(folder / "run"), "--to-folder", str(folder / "out")])
    return folder / "out"


def save_scene(path, scene):
    np.savez(
        path,
        insar_difference=scene.insar_difference,
        insar_coherence=scene.insar_coherence,
        dem=scene.dem,
        bounds=[40.0, 13.0, 40.0 + scene.width / 1000, 13.0 + scene.height / 1000],
        crs="EPSG:4326",
    )


def test_the_sentence_is_of_the_window_around_the_verdicts_place(captioner):
    writer = SceneCaptioner.from_pretrained(captioner)
    scene = frame_scene(steps=1)
    prediction = pointwise(steps=1).predict(scene)
    caption = writer.describe(prediction)
    row, column = (round(at) for at in prediction.place_pixel)
    west, south, east, north = caption.bounds
    longitude, latitude = prediction.place
    assert west <= longitude <= east and south <= latitude <= north
    assert east - west == pytest.approx(SIZE * 0.001) == pytest.approx(north - south)
    # The same sentence is written of that window alone.
    top = min(max(row + 0.5 - SIZE / 2, 0), scene.height - SIZE)
    left = min(max(column + 0.5 - SIZE / 2, 0), scene.width - SIZE)
    rows, columns = (slice(round(at), round(at) + SIZE) for at in (top, left))
    part = dataclasses.replace(
        scene,
        insar_difference=scene.insar_difference[:, rows, columns],
        insar_coherence=scene.insar_coherence[:, rows, columns],
        dem=scene.dem[rows, columns],
        nodata=scene.nodata[rows, columns],
        transform=scene.transform @ scene.transform.translation(columns.start, rows.start),
    )
    alone = writer.describe(pointwise(steps=1).predict(part))
    assert alone.text == caption.text and alone.bounds == pytest.approx(caption.bounds)


def test_predict_adds_it_to_the_files_and_leaves_the_verdict_alone(captioner, tmp_path, capsys):
    save_scene(tmp_path / "scene.npz", frame_scene(60, 60, steps=1))
    given = [str(tmp_path / "scene.npz"), "--output"]
    written = tmp_path / "out" / "scene.json"
    main(["predict", *given, str(tmp_path / "out")])
    plain = json.loads(written.read_text())
    # An answer without a sentence is not the one that is wanted.
    asked = ["predict", *given, str(tmp_path / "out"), "--captions", str(captioner)]
    main(asked)
    said = capsys.readouterr().out
    name = "/".join(captioner.parts[-2:])
    assert "already there" not in said and f"in words, by {name}: " in said
    told = json.loads(written.read_text())
    assert plain["caption"] is None and told["caption"]
    assert told["caption_model"] == name
    assert told["verdict"] == plain["verdict"] and told["probability"] == plain["probability"]
    *_, row = pq.read_table(tmp_path / "out" / "record.parquet").to_pylist()
    assert row["caption"] == told["caption"] and row["caption_model"] == told["caption_model"]
    main(asked)
    assert "already there" in capsys.readouterr().out


def test_who_writes_does_not_judge_and_who_judges_does_not_write(captioner, tmp_path):
    save_scene(tmp_path / "scene.npz", frame_scene(40, 40, steps=1))
    scene, out = [tmp_path / "scene.npz"], tmp_path / "out"
    with pytest.raises(ConfigError, match="writes captions, which are no verdict: name it after"):
        predict_many(captioner, scene, out)
    with pytest.raises(ConfigError, match="is for segmentation: --captions takes a model that"):
        predict_many("deformation-segmenter", scene, out, captions="deformation-segmenter")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_tokenizer_is_told_in_a_line(captioner, tmp_path, content):
    folder = shutil.copytree(captioner, tmp_path / "damaged")
    (folder / "tokenizer.json").write_bytes(content)
    with pytest.raises(HubError, match=r"^the tokenizer of \S*damaged does not load: \S.*$"):
        SceneCaptioner.from_pretrained(str(folder))
