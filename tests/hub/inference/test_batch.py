"""The files of a prediction, and batches of them."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio
import shapely
import torch
from affine import Affine
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning

from dataset_script.errors import ConfigError
from hub.__main__ import main
from hub.inference.batch import predict_many
from hub.inference.detector import Detector
from hub.inference.outputs import feature_collection, save_prediction
from hub.repos.packaging import package_model
from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene
from hub.scenes.sources import find_sources, in_series
from tests import cubes
from tests.hub.inference.test_detector import frame_scene, pointwise
from tests.hub.licsar import FRAME, PRIMARY, SECONDARIES, make_phase, write_frame, write_tif
from tests.hub.models import make_facts, make_model
from tests.places import ROOT
from tests.rows import make_dataset_folder


@pytest.fixture
def packaged(tmp_path):
    facts = make_facts("smp")
    folder = tmp_path / "model"
    folder.mkdir()
    package_model(make_model("smp", facts).backbone, facts, folder)
    return folder


def run_cli(*arguments):
    main([str(argument) for argument in arguments])


def test_geojson_across_the_antimeridian_stays_within_180_degrees():
    middle = Affine(0.001, 0, 179.93, 0, -0.001, -16.5)
    east = Affine(0.001, 0, 181.93, 0, -0.001, -16.5)
    for transform in (middle, east):
        scene = frame_scene(120, 140, transform=transform, crs="EPSG:4326")
        prediction = pointwise(threshold=0.6).predict(scene)
        shapes = [
            shapely.geometry.shape(feature["geometry"])
            for feature in feature_collection(prediction)["features"]
        ]
        west, _, east_edge, _ = shapely.total_bounds(shapes)
        assert -180 <= west <= east_edge <= 180 and all(shape.is_valid for shape in shapes)
        assert sum(shape.area for shape in shapes) == pytest.approx(
            sum(region.polygon.area for region in prediction.regions)
        )
        assert -180 <= prediction.summary()["centroid_longitude"] <= 180


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        (Affine(0.001, 0, 40.6, 0, -0.001, 13.9), "EPSG:4326"),
        (Affine(80, 0, 240_000, 0, -80, 1_500_000), "EPSG:32637"),
    ],
)
def test_files_lie_on_the_inputs_grid(tmp_path, transform, crs):
    scene = frame_scene(120, 140, transform=transform, crs=crs)
    prediction = pointwise(threshold=0.6).predict(scene)
    assert prediction.mask.any() and not prediction.mask.all()
    paths = save_prediction(prediction, tmp_path / "out")
    assert set(paths) == {"probability", "mask", "geojson", "csv", "figure", "json"}
    assert sorted(tmp_path.glob("out/*")) == sorted(paths.values())
    for kind, nodata in (("probability", np.nan), ("mask", 255)):
        with rasterio.open(paths[kind]) as file:
            assert (file.shape, file.count) == ((120, 140), 1)
            assert file.transform.almost_equals(transform, 1e-9)
            assert file.crs == rasterio.CRS.from_string(crs)
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            np.testing.assert_equal(file.nodata, nodata)
            values = file.read(1)
            assert file.tags()["MODEL"] == "pointwise"
        if kind == "probability":
            np.testing.assert_array_equal(values, prediction.probability)
        else:
            assert np.array_equal(values == 1, prediction.mask)
            assert np.array_equal(values == 255, scene.nodata)
    collection = json.loads(paths["geojson"].read_text())
    area = sum(feature["properties"]["area_km2"] for feature in collection["features"])
    summary = json.loads(paths["json"].read_text())
    assert summary["area_km2"] == pytest.approx(area, rel=1e-3)
    west, east = 36, 42
    for feature in collection["features"]:
        assert shapely.geometry.shape(feature["geometry"]).exterior.is_ccw
        for longitude, latitude in feature["geometry"]["coordinates"][0]:
            assert west < longitude < east and 12 < latitude < 15
    (row,) = csv.DictReader(paths["csv"].open())
    assert float(row["probability"]) == summary["probability"]
    assert row["secondary_dates"] == "20170201; 20170202"
    picture = np.asarray(Image.open(paths["figure"]).convert("L"))
    assert min(picture.shape) > 500 and picture.std() > 20


def test_a_turned_grid_is_drawn_in_pixels(tmp_path):
    turned = Affine(0.00094, 0.00034, 40, 0.00034, -0.00094, 13)
    scene = frame_scene(200, 60, transform=turned, crs="EPSG:4326")
    assert save_prediction(pointwise().predict(scene), tmp_path)["figure"].stat().st_size > 10_000


def test_without_a_place_there_is_no_map(tmp_path):
    prediction = pointwise().predict(frame_scene(60, 60, transform=None, crs=None))
    paths = save_prediction(prediction, tmp_path)
    assert "geojson" not in paths
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(paths["mask"]) as file:
        assert file.crs is None
    assert prediction.summary()["area_km2"] is None


def test_a_classification_has_no_rasters(tmp_path):
    prediction = pointwise(kind="timm").predict(frame_scene(60, 60))
    assert set(save_prediction(prediction, tmp_path)) == {"csv", "figure", "json"}


def test_low_coherence_is_said_and_depends_on_the_mask():
    scene = frame_scene(60, 60)
    scene.insar_coherence[:] = np.minimum(scene.insar_coherence, 30)
    prediction = pointwise(threshold=0.0).predict(scene)
    assert "mean coherence" in prediction.all_warnings[-1]
    assert prediction.summary()["mean_coherence"] == pytest.approx(30 / 255, abs=1e-3)


def test_the_same_scene_gives_the_same_bytes(tmp_path):
    kept = []
    for name in "ab":
        paths = save_prediction(pointwise().predict(frame_scene(60, 60)), tmp_path / name)
        kept.append({kind: path.read_bytes() for kind, path in paths.items()})
    assert kept[0] == kept[1]


def test_the_real_crop_runs_and_says_what_was_missing(tmp_path, real_crop):
    facts = make_facts("smp", image_size=256)
    packaged = tmp_path / "model"
    packaged.mkdir()
    package_model(make_model("smp", facts).backbone, facts, packaged)
    run_cli("predict", packaged, real_crop, "--output", tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "erta_ale_2017_512.json").read_text())
    assert 0 <= summary["iou_with_reference"] <= 1
    assert any("dem" in warning for warning in summary["warnings"])
    assert any("training mean" in warning for warning in summary["warnings"])


def test_a_batch_goes_on_after_bad_inputs_and_is_resumed(tmp_path, packaged, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    write_frame(folder)
    (folder / "broken.npz").write_text("no archive")
    np.savez(folder / "good.npz", insar_difference=make_phase(40, 40))
    with pytest.raises(SystemExit) as stop:
        run_cli("predict", packaged, folder, "--output", out)
    assert stop.value.code == 1
    said = capsys.readouterr()
    assert "failed:" in said.out and "broken.npz is not a readable .npz" in said.out
    assert "1 of 4 inputs failed" in said.err and "Traceback" not in said.err
    # Three dates of one primary, two at a time: the second series overlaps the first.
    name = f"{FRAME}_{PRIMARY}_{SECONDARIES[1]}-{SECONDARIES[2]}"
    assert (out / f"{name}_mask.tif").exists() and (out / "good.json").exists()
    with (out / "summary.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*_mask.tif")}
    (out / "good_probability.tif").unlink()
    batch = predict_many(packaged, [folder], out, progress=False)
    assert sorted(batch.skipped) == sorted(
        summary["scene"] for summary in batch.summaries if summary["scene"] != "good"
    )
    assert (out / "good_probability.tif").exists()
    for path, stamp in stamps.items():
        assert (path.stat().st_mtime_ns == stamp) == ("good" not in path.name)


def test_what_cannot_be_opened_or_written_stops_no_other(tmp_path, packaged):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "broken.zarr.zip").write_text("no archive")
    np.savez(folder / f"{'n' * 240}.npz", insar_difference=make_phase(40, 40))  # names too long
    np.savez(folder / "summary.npz", insar_difference=make_phase(40, 40))
    inputs = [f"{tmp_path / 'nowhere'}::ts3/test", folder]
    batch = predict_many(packaged, inputs, tmp_path / "out", progress=False)
    dataset, cube, long = batch.failed.values()
    assert "cannot open dataset" in dataset and "damaged archive" in cube and "too long" in long
    # A scene's own table does not lie in the place of the batch's.
    assert [summary["scene"] for summary in batch.summaries] == ["summary-2"]


def test_a_pattern_and_a_completed_name_stand_for_what_is_in_them(tmp_path):
    paths = write_frame(tmp_path)
    cubes.write_minicubes(tmp_path / "cubes")
    found = find_sources([tmp_path / FRAME / "interferograms" / "*"], 1)
    assert [source.said for source in found] == [str(path) for path in paths]
    (cube,) = (tmp_path / "cubes").glob("*.zarr")
    assert len(find_sources([f"{cube}/"], 2)) == len(find_sources([cube], 2)) == 6


def test_what_an_answer_depends_on_makes_it_anew(tmp_path, packaged):
    path = tmp_path / "a.npz"
    np.savez(path, insar_difference=make_phase(40, 40))
    out = tmp_path / "out"

    def skipped(threshold=None):
        batch = predict_many(packaged, [path], out, threshold=threshold, progress=False)
        return bool(batch.skipped)

    assert not skipped() and skipped()
    assert not skipped(0.9) and skipped(0.9)
    np.savez(path, insar_difference=make_phase(40, 40, seed=5))
    assert not skipped(0.9) and skipped(0.9)
    facts = make_facts("smp")
    package_model(make_model("smp", facts, seed=9).backbone, facts, packaged)
    assert not skipped(0.9)


def test_scenes_of_one_name_do_not_overwrite_each_other(tmp_path, packaged):
    for folder, seed in (("a", 0), ("b", 1)):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "x.npz", insar_difference=make_phase(40, 40, seed))
    inputs = [tmp_path / "a" / "x.npz", tmp_path / "b" / "x.npz"]
    batch = predict_many(packaged, inputs, tmp_path / "out", progress=False)
    assert [summary["scene"] for summary in batch.summaries] == ["x", "x-2"]
    again = predict_many(packaged, inputs, tmp_path / "out", progress=False)
    assert again.skipped == ["x", "x-2"]


def test_every_kind_of_input_in_one_command(tmp_path, packaged, capsys):
    dataset = make_dataset_folder(tmp_path / "rows", steps=2, counts=(1, 1, 2))
    cubes.write_minicubes(tmp_path / "cubes", form="zip")
    (cube,) = (tmp_path / "cubes").glob("*.zip")
    run_cli(
        "predict",
        packaged,
        f"{dataset}::ts2/test",
        f"{cube}@20200301_20200313,20200325",
        "--output",
        tmp_path / "out",
    )
    assert "3 scenes" in capsys.readouterr().out
    whole = find_sources([tmp_path / "cubes"], 2)
    # Three primary dates of four secondaries each, two at a time.
    assert len(whole) == 6 and whole[0].load().steps == 2


def test_series_are_full_and_cover_all_dates():
    assert list(in_series([3, 1, 2], 1)) == [(1,), (2,), (3,)]
    assert list(in_series([1, 2, 3, 4, 5], 3)) == [(1, 2, 3), (3, 4, 5)]
    assert list(in_series([1, 2, 3, 4, 5, 6], 3)) == [(1, 2, 3), (4, 5, 6)]
    assert list(in_series([1, 2], 3)) == [(1, 2)]


def test_inputs_that_stand_for_nothing(tmp_path, packaged, capsys):
    with pytest.raises(ConfigError, match="stands for nothing"):
        find_sources([tmp_path / "*.npz"], 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit):
        run_cli("predict", packaged, tmp_path / "empty", "--output", tmp_path / "out")
    assert capsys.readouterr().err.startswith("error: ")
    with pytest.raises(SystemExit):
        run_cli("predict", tmp_path / "empty", tmp_path, "--output", tmp_path / "out")
    assert "no hephaestus.json" in capsys.readouterr().err
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.json").touch()
    scene, file = tmp_path / "scene.npz", tmp_path / "file"
    np.savez(scene, insar_difference=make_phase(40, 40))
    file.touch()
    for model, output, options, said in (
        (run, "out", (), f"push-model {run} --to-folder"),
        (packaged, "file", (), "cannot be made a folder (File exists)"),
        (packaged, "out", ("--device", "abacus"), "device 'abacus' cannot be used here"),
        (packaged, "out", ("--revision", "v1"), "is a folder, which has no revision v1"),
    ):
        with pytest.raises(SystemExit):
            run_cli("predict", model, scene, "--output", tmp_path / output, *options)
        told = capsys.readouterr().err
        assert said in told and len(told.splitlines()) == 1
    with pytest.raises(SceneError, match="does not exist"):
        find_sources([tmp_path / "a.npz"], 1)[0].load()


WHOLE_FRAME = """
import resource, sys
import numpy as np
from hub.inference.outputs import save_prediction
from hub.scenes.load import load_scene
from tests.hub.inference.test_detector import pointwise

detector = pointwise(steps=3, image_size=512)
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
scene = load_scene(sys.argv[1:4])
prediction = detector.predict(scene)
save_prediction(prediction, sys.argv[4])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) // 1024)
"""


def test_a_whole_frame_in_bounded_memory(tmp_path):
    height, width = 2500, 3000
    phases = write_frame(tmp_path, height, width)
    done = subprocess.run(
        [sys.executable, "-c", WHOLE_FRAME, *map(str, phases), str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # Phase, coherence and elevation of the three dates take 143 MiB, the answer 29 more.
    assert int(done.stdout) < 600
    (mask,) = (tmp_path / "out").glob("*_mask.tif")
    (probability,) = (tmp_path / "out").glob("*_probability.tif")
    with rasterio.open(phases[0]) as source, rasterio.open(mask) as file:
        assert (file.shape, file.transform, file.crs) == (
            source.shape,
            source.transform,
            source.crs,
        )
        assert file.overviews(1)
    top, left, side = 700, 900, 1200
    window = []
    for path in (*phases, *sorted(tmp_path.rglob("*.cc.tif")), *tmp_path.rglob("*.hgt.tif")):
        with rasterio.open(path) as source:
            values = source.read(1)[top : top + side, left : left + side]
            a = source.transform
        place = Affine(a.a, 0, a.c + left * a.a, 0, a.e, a.f + top * a.e)
        window.append(write_tif(tmp_path / "window" / path.name, values, place))
    torch.set_num_threads(1)
    part = pointwise(steps=3, image_size=512).predict(load_scene(window)).probability
    with rasterio.open(probability) as file:
        whole = file.read(1)[top : top + side, left : left + side]
    inner = slice(512, side - 512)
    np.testing.assert_allclose(whole[inner, inner], part[inner, inner], atol=1e-5)


def test_a_detector_may_be_given_itself(tmp_path):
    facts = make_facts("timm")
    detector = Detector(make_model("timm", facts).backbone, facts, "mine", device="cpu")
    np.savez(tmp_path / "a.npz", insar_difference=make_phase(40, 40))
    batch = predict_many(detector, [tmp_path / "a.npz"], tmp_path / "out", progress=False)
    assert batch.summaries[0]["model"] == "mine"
    assert batch.summaries[0]["decision"] in ("Deformation", "Non_Deformation")
    batch.require_success()
