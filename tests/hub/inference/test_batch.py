"""Many inputs in one command: bad ones stop nothing, done ones are skipped."""

import csv
import json

import numpy as np
import pytest

from dataset_script.errors import ConfigError
from hub.__main__ import main
from hub.inference.batch import predict_many
from hub.inference.detector import Detector
from hub.repos.loading import IN_THE_BOX, split_model
from hub.repos.packaging import package_model
from hub.scenes.checks import SceneError
from hub.scenes.inputs import find_inputs, in_series
from tests import cubes
from tests.hub.facts import make_facts
from tests.hub.licsar import FRAME, PRIMARY, SECONDARIES, make_phase, write_frame
from tests.hub.models import make_model
from tests.hub.pointwise import pointwise
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
    found = find_inputs([tmp_path / FRAME / "interferograms" / "*"], 1)
    assert [given.label for given in found] == [str(path) for path in paths]
    (cube,) = (tmp_path / "cubes").glob("*.zarr")
    assert len(find_inputs([f"{cube}/"], 2)) == len(find_inputs([cube], 2)) == 6


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
    whole = find_inputs([tmp_path / "cubes"], 2)
    # Three primary dates of four secondaries each, two at a time.
    assert len(whole) == 6 and whole[0].load().steps == 2


def test_series_are_full_and_cover_all_dates():
    assert list(in_series([3, 1, 2], 1)) == [(1,), (2,), (3,)]
    assert list(in_series([1, 2, 3, 4, 5], 3)) == [(1, 2, 3), (3, 4, 5)]
    assert list(in_series([1, 2, 3, 4, 5, 6], 3)) == [(1, 2, 3), (4, 5, 6)]
    assert list(in_series([1, 2], 3)) == [(1, 2)]


def test_inputs_that_stand_for_nothing(tmp_path, packaged, capsys):
    with pytest.raises(ConfigError, match="stands for nothing"):
        find_inputs([tmp_path / "*.npz"], 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit):
        run_cli("predict", packaged, tmp_path / "empty", "--output", tmp_path / "out")
    assert capsys.readouterr().err.startswith("error: ")
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.json").touch()
    scene, file = tmp_path / "scene.npz", tmp_path / "file"
    np.savez(scene, insar_difference=make_phase(40, 40))
    file.touch()
    for model, output, options, said in (
        (run, "out", (), f"push-model {run} --to-folder"),
        (packaged, "file", (), "a file is where a folder should be"),
        (packaged, "out", ("--device", "abacus"), "device 'abacus' cannot be used here"),
        (packaged, "out", ("--revision", "v1"), "is a folder, which has no revision v1"),
    ):
        with pytest.raises(SystemExit):
            run_cli("predict", model, scene, "--output", tmp_path / output, *options)
        told = capsys.readouterr().err
        assert said in told and len(told.splitlines()) == 1
    batch = predict_many(packaged, [tmp_path / "empty", scene], tmp_path / "both", progress=False)
    assert "stands for nothing" in batch.failed[str(tmp_path / "empty")]
    assert [summary["scene"] for summary in batch.summaries] == ["scene"]
    with pytest.raises(ConfigError, match=r"a\.npz: no such file"):
        find_inputs([tmp_path / "a.npz"], 1)
    with pytest.raises(SceneError, match="does not exist"):  # one that does not stops no other
        find_inputs([tmp_path / "a.npz", scene], 1)[0].load()


def test_a_detector_may_be_given_itself(tmp_path):
    facts = make_facts("timm")
    detector = Detector(make_model("timm", facts).backbone, facts, "mine", device="cpu")
    np.savez(tmp_path / "a.npz", insar_difference=make_phase(40, 40))
    batch = predict_many(detector, [tmp_path / "a.npz"], tmp_path / "out", progress=False)
    assert batch.summaries[0]["model"] == "mine"
    assert batch.summaries[0]["decision"] in ("Deformation", "Non_Deformation")
    batch.require_success()


def test_a_model_may_be_named_before_the_inputs(tmp_path, packaged):
    scene = str(tmp_path / "scene.npz")
    np.savez(scene, insar_difference=make_phase(40, 40))
    model = str(packaged)
    assert split_model([model, scene]) == (model, [scene])
    assert split_model(["NS/NAME", scene]) == ("NS/NAME", [scene])
    for inputs in ([scene], [scene, scene], [str(tmp_path), scene], ["a/b.npz"]):
        assert split_model(inputs) == (IN_THE_BOX, inputs)
    with pytest.raises(ConfigError, match="name the interferograms after it"):
        split_model([model])


def test_a_model_of_one_date_answers_once_for_a_primary_date(tmp_path):
    write_frame(tmp_path / "in")
    detector = pointwise(1)
    together = predict_many(detector, [tmp_path / "in"], tmp_path / "a", progress=False)
    (answer,) = together.summaries
    assert answer["secondary_dates"] == list(SECONDARIES)
    alone = predict_many(
        detector, [tmp_path / "in"], tmp_path / "b", progress=False, each_pair=True
    )
    assert [summary["secondary_dates"] for summary in alone.summaries] == [
        [date] for date in SECONDARIES
    ]
    # A pixel keeps its largest answer, and so the mean around it can only be larger.
    assert answer["probability"] >= max(summary["probability"] for summary in alone.summaries)


def test_a_pair_that_cannot_be_read_is_left_out_of_its_series_and_said(tmp_path):
    paths = write_frame(tmp_path / "in")
    paths[1].write_bytes(paths[1].read_bytes()[:3000])
    batch = predict_many(pointwise(1), [tmp_path / "in"], tmp_path / "out", progress=False)
    (answer,) = batch.summaries
    assert answer["secondary_dates"] == [SECONDARIES[0], SECONDARIES[2]]
    assert any("left out" in note and paths[1].name in note for note in answer["warnings"])


def test_what_no_one_foresaw_costs_one_scene(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", insar_difference=make_phase(40, 40))
    np.savez(tmp_path / "b.npz", insar_difference=make_phase(40, 40, seed=1))
    detector = pointwise(1)
    predict = detector.predict

    def fails_on_a(scene, *others):
        if scene.name == "a":
            raise IndexError("index 3 is out of bounds")
        return predict(scene, *others)

    monkeypatch.setattr(detector, "predict", fails_on_a)
    inputs = [tmp_path / "a.npz", tmp_path / "b.npz"]
    batch = predict_many(detector, inputs, tmp_path / "out", progress=False)
    assert [summary["scene"] for summary in batch.summaries] == ["b"]
    assert "unexpected IndexError: index 3" in batch.failed[str(inputs[0])]


def test_dates_that_are_none_stop_one_scene(tmp_path):
    phase = make_phase(40, 40)
    np.savez(tmp_path / "a.npz", insar_difference=phase, primary_date=np.datetime64("NaT"))
    np.savez(tmp_path / "b.npz", insar_difference=phase[:1])
    np.savez(tmp_path / "c.npz", insar_difference=phase.T[:, :1] + np.float32(0.01))
    batch = predict_many(pointwise(1), [tmp_path], tmp_path / "out", progress=False)
    assert [summary["scene"] for summary in batch.summaries] == ["b", "c"] or batch.failed
    assert "NaT" in batch.failed[str(tmp_path / "a.npz")]
    assert not any("unexpected" in reason for reason in batch.failed.values())
