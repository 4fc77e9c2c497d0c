"""The programs' way in: same numbers as the detector, plain errors, many at once, nothing kept."""

import csv
import io
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest
import rasterio
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.spaces import scenes


@pytest.fixture(scope="module")
def client(served):
    return Client(served.url, verbose=False)


def ask(client, files=(), sample="", segmenter="", classifier="", threshold=-1):
    return client.predict(
        files=[handle_file(str(path)) for path in files],
        sample=sample,
        segmenter=segmenter,
        classifier=classifier,
        threshold=threshold,
        api_name="/predict",
    )


def fetch(served, path):
    with urllib.request.urlopen(served.url + path, timeout=30) as answer:
        return answer.read(), answer.headers


@pytest.fixture(scope="module")
def licsar_answer(client, tmp_path_factory):
    paths = scenes.licsar(tmp_path_factory.mktemp("licsar"), steps=3)
    return paths, ask(client, paths)


def test_same_numbers_as_the_detector(licsar_answer, served, world):
    from hub.inference.detector import Detector
    from hub.scenes.load import load_scene

    paths, answer = licsar_answer
    scene = load_scene(paths)
    for kind in ("segmentation", "classification"):
        expected = Detector.from_pretrained(world[kind]).predict(scene).summary()
        found = answer[kind]
        for key in ("probability", "area_km2", "centroid_longitude", "mean_coherence"):
            if expected[key] is None:
                assert found[key] is None
            else:
                assert found[key] == pytest.approx(expected[key], rel=1e-6), key
        assert found["class_probabilities"] == pytest.approx(expected["class_probabilities"])
        for key in ("decision", "threshold", "patches", "secondary_dates", "crs", "warnings"):
            assert found[key] == expected[key], key
        assert str(world["root"]) not in str(answer)
    record = json.loads(fetch(served, answer["files"]["json"])[0])
    (row,) = csv.DictReader(fetch(served, answer["files"]["csv"])[0].decode().splitlines())
    for key in ("decision", "probability", "verdict", "models_disagree", "second_probability"):
        assert answer[key] == answer["segmentation"][key] == record[key], key
        assert row[key] == str(answer[key]), key
    assert answer["second_probability"] == answer["classification"]["probability"]
    assert answer["place"] == record["place"]


def test_the_mask_that_is_served_is_the_detectors(licsar_answer, served, world):
    from hub.inference.detector import Detector
    from hub.scenes.load import load_scene

    paths, answer = licsar_answer
    expected = Detector.from_pretrained(world["segmentation"]).predict(load_scene(paths))
    content, headers = fetch(served, answer["files"]["mask"] + "?threshold=0.5")
    assert headers["Content-Type"] == "image/tiff"
    with rasterio.open(io.BytesIO(content)) as mask, rasterio.open(paths[0]) as phase:
        assert mask.crs == phase.crs and mask.transform == phase.transform
        np.testing.assert_array_equal(mask.read(1) == 1, expected.with_threshold(0.5).mask)
    content, _ = fetch(served, answer["files"]["probability"])
    with rasterio.open(io.BytesIO(content)) as file:
        np.testing.assert_allclose(file.read(1), expected.probability, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "start"),
    [("geojson", b'{\n  "type": "FeatureCollection"'), ("csv", b"scene,"), ("figure", b"\x89PNG")],
)
def test_other_files(licsar_answer, served, kind, start):
    content, headers = fetch(served, licsar_answer[1]["files"][kind])
    assert content.startswith(start)
    assert "attachment" in headers["Content-Disposition"]


def test_a_file_may_be_named_in_any_script(client, served, tmp_path):
    (named,) = (p for p in scenes.licsar(tmp_path) if "diff_pha" in p.name)
    answer = ask(client, [named.rename(tmp_path / "火山.tif")], segmenter="none")
    _, headers = fetch(served, answer["files"]["csv"])
    name = headers["Content-Disposition"].partition("filename*=UTF-8''")[2]
    assert urllib.parse.unquote(name).startswith("火山")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/result/0000/mask", 404),
        ("/result/{token}/passwd", 404),
        ("/result/{token}/mask?threshold=nan", 400),
        ("/result/{token}/mask?threshold=2", 400),
    ],
)
def test_addresses_that_lead_nowhere(licsar_answer, served, path, status):
    token = licsar_answer[1]["files"]["mask"].split("/")[2]
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(served, path.format(token=token))
    assert caught.value.code == status


def test_a_sample_of_the_dataset(client, world):
    from hub.inference.detector import Detector
    from hub.scenes.load import load_scene

    specification = f"{world['dataset']}::ts3/test/1"
    scene = load_scene(specification)
    expected = Detector.from_pretrained(world["classification"]).predict(scene)
    answer = ask(client, sample="frame1/20200202/00001", segmenter="none", threshold=0.5)
    assert answer["scene"] == scene.name
    assert answer["classification"]["probability"] == pytest.approx(expected.image_probability)
    assert "segmentation" not in answer


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"sample": "nothing"}, "no sample"),
        ({"sample": "frame1/20200202/00001", "segmenter": "/etc"}, "no model that this page"),
        ({"sample": "frame1/20200202/00001", "segmenter": "../../etc"}, "no model that this page"),
        (
            {"sample": "frame1/20200202/00001", "segmenter": "none", "classifier": "none"},
            "No model is chosen",
        ),
    ],
)
def test_mistakes_are_told_in_a_sentence(client, arguments, said):
    with pytest.raises(AppError, match=said):
        ask(client, **arguments)


def test_a_bad_file_is_refused_and_the_next_request_is_answered(client, served, tmp_path):
    started = time.monotonic()
    with pytest.raises(AppError, match="100000 x 100000"):
        ask(client, [scenes.huge_header(tmp_path / "huge.tif")])
    assert time.monotonic() - started < 5
    assert ask(client, sample="frame1/20200202/00001")["scene"]


def test_an_address_in_place_of_a_file_is_not_fetched(client, served):
    payload = {"path": f"{served.url}/config", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(AppError, match="not an address"):
        client.predict(
            files=[payload],
            sample="",
            segmenter="",
            classifier="",
            threshold=-1,
            api_name="/predict",
        )


def test_twenty_clients_at_once(served, client, tmp_path):
    """Nobody fails and nobody waits for all the others; nothing is left on disk."""
    expected = ask(client, sample="frame1/20200202/00001")["classification"]["probability"]
    answers, waits = [], []

    def visit():
        own = Client(served.url, verbose=False)
        started = time.monotonic()
        answers.append(ask(own, sample="frame1/20200202/00001"))
        waits.append(time.monotonic() - started)

    threads = [threading.Thread(target=visit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 20
    assert {answer["classification"]["probability"] for answer in answers} == {expected}
    assert served.files() == []
