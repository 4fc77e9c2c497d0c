"""The programs' way in: same numbers as the detector, plain errors, many at once, nothing kept."""

import csv
import io
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from xml.etree import ElementTree

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


def test_google_earth_finds_scene_and_patches_where_they_are(licsar_answer, served):
    paths, answer = licsar_answer
    content, headers = fetch(served, answer["files"]["kmz"] + "?threshold=0.5")
    assert headers["Content-Type"] == "application/vnd.google-earth.kmz"
    patches = json.loads(fetch(served, answer["files"]["geojson"] + "?threshold=0.5")[0])
    space = "{http://www.opengis.net/kml/2.2}"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        document = ElementTree.fromstring(archive.read("doc.kml"))
        assert archive.read("probability.png").startswith(b"\x89PNG")
    assert answer["verdict"] in document.find(f".//{space}description").text
    box = {
        side.tag.removeprefix(space): float(side.text)
        for side in document.find(f".//{space}LatLonBox")
    }
    with rasterio.open(paths[0]) as phase:
        found = (box["west"], box["south"], box["east"], box["north"])
        assert found == pytest.approx(tuple(phase.bounds), abs=2e-3)
    assert len(document.findall(f".//{space}Placemark")) == len(patches["features"])


def test_layers_values_and_pixels_of_an_answer(licsar_answer, served):
    """What the picture is made of: PNGs of a window, numbers that are those of the files."""
    paths, answer = licsar_answer
    token = answer["files"]["mask"].split("/")[2]
    window = "top=8&left=16&bottom=40&right=60"
    for name in ("phase", "probability", "coherence", "phase_over_relief", "relief", "outline"):
        content, headers = fetch(served, f"/view/{token}/{name}.png?step=1&{window}")
        assert headers["Content-Type"] == "image/png" and content.startswith(b"\x89PNG"), name
    content, _ = fetch(served, f"/view/{token}/values?step=1&{window}")
    rows, columns, stride = np.frombuffer(content[:12], "<i4")
    assert (rows, columns, stride) == (32, 44, 1)
    planes = np.frombuffer(content[12:], "<i2").reshape(4, rows, columns)
    with rasterio.open(paths[2]) as phase, rasterio.open(paths[3]) as coherence:
        np.testing.assert_allclose(planes[0] / 1000, phase.read(1)[8:40, 16:60], atol=6e-4)
        np.testing.assert_allclose(planes[1] / 1000 * 255, coherence.read(1)[8:40, 16:60], atol=0.2)
        values = coherence.read(1)
    probability, _ = fetch(served, answer["files"]["probability"])
    with rasterio.open(io.BytesIO(probability)) as file:
        np.testing.assert_allclose(planes[2] / 1e4, file.read(1)[8:40, 16:60], atol=6e-5)
    pixel, _ = fetch(
        served, f"/view/{token}/pixel?row=30&column=40&reference_row=30&reference_column=40"
    )
    found = json.loads(pixel)
    assert [step["relative_cm"] for step in found["steps"]] == [0, 0, 0]
    assert found["steps"][1]["coherence"] == pytest.approx(values[30, 40] / 255, abs=1e-3)
    assert found["longitude"] == pytest.approx(40.5 + 0.0405)


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
        ("/view/0000/phase.png", 404),
        ("/view/{token}/secrets.png", 404),
        ("/view/{token}/phase.png?step=9", 404),
        ("/view/{token}/phase.png?top=a", 404),
        ("/view/{token}/phase.png?top=500", 404),
        ("/view/{token}/outline.png?threshold=nan", 404),
        ("/view/{token}/pixel?row=-1", 404),
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
        ({"sample": None, "threshold": None}, "Send files, or the sample_id"),
        ({"sample": "frame1/20200202/00001", "threshold": 5}, "threshold is 5; give 0 to 1"),
    ],
)
def test_mistakes_are_told_in_a_sentence(client, arguments, said):
    with pytest.raises(AppError, match=said):
        ask(client, **arguments)


def test_nothing_stands_for_the_pages_own(client):
    """null is as good as an empty field: a program's own defaults are no mistake."""
    sample = "frame1/20200202/00001"
    assert ask(client, sample=sample, segmenter=None, classifier=None, threshold=None)["scene"]


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
