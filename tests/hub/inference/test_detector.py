"""Models of every format on scenes of every size."""

import numpy as np
import pytest
import torch
from affine import Affine

from dataset_script.channels import BY_NAME, CHANNEL_NAMES, INSAR_CHANNELS
from dataset_script.errors import ConfigError
from hub.errors import HubError
from hub.inference.detector import Detector
from hub.repos.packaging import package_model
from hub.scenes.load import load_scene
from hub.scenes.scene import make_scene
from tests.hub.facts import KINDS, SIZE, make_facts
from tests.hub.licsar import DEGREES
from tests.hub.models import make_model
from tests.hub.pointwise import Pointwise, frame_scene, pointwise
from tests.rows import make_row
from training.inputs.preprocessing import Preprocessor


def expected(detector, row):
    """What the bare model says of one row of the window's own size."""
    facts = detector.facts
    rasters = {name: torch.as_tensor(row[name])[None] for name in facts.channels}
    planes = Preprocessor(facts.channels, facts.timeseries_length, phase=facts.phase)(rasters)
    with torch.inference_mode():
        logits = detector._windows.model(planes)[0] / facts.temperature
    return logits.softmax(0).numpy()


@pytest.mark.parametrize(
    ("kind", "phase"), [*((kind, "raw") for kind in KINDS), ("timm", "circular")]
)
def test_every_format_answers_as_the_bare_model(tmp_path, kind, phase):
    facts = make_facts(kind, phase=phase)
    model = make_model(kind, facts)
    package_model(model.backbone, facts, tmp_path)
    detector = Detector.from_pretrained(tmp_path, device="cpu")
    assert detector.facts == facts
    assert (detector.name, detector.revision) == ("/".join(tmp_path.parts[-2:]), "local")
    row = make_row(np.random.default_rng(3), 1, 2, SIZE)
    prediction = detector.predict(load_scene(row))
    truth = expected(detector, row)
    if facts.objective == "segmentation":
        np.testing.assert_allclose(prediction.probability, truth[1], atol=1e-5)
        assert prediction.mask.shape == (SIZE, SIZE)
    else:
        assert prediction.image_probability == pytest.approx(truth[1], abs=1e-5)
        assert prediction.probability is None and prediction.mask is None
    assert prediction.threshold == 0.37
    assert sum(prediction.class_probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_repository_is_pulled_with_its_commit(hub, tmp_path):
    from huggingface_hub import HfApi

    facts = make_facts("timm")
    package_model(make_model("timm", facts).backbone, facts, tmp_path)
    HfApi().create_repo("NS/model")
    commit = HfApi().upload_folder(repo_id="NS/model", folder_path=str(tmp_path))
    detector = Detector.from_pretrained("NS/model", device="cpu")
    assert detector.revision == commit.oid and detector.name == "NS/model"
    with pytest.raises(HubError, match="NS/nothing"):
        Detector.from_pretrained("NS/nothing")
    with pytest.raises(HubError, match="no such revision"):
        Detector.from_pretrained("NS/model", revision="v9")


def test_what_load_scene_takes_is_taken_too():
    row = make_row(np.random.default_rng(3), 1, 2, SIZE)
    detector = pointwise()
    prediction = detector.predict(row)
    assert np.array_equal(prediction.probability, detector.predict(load_scene(row)).probability)


def test_what_is_no_model_of_ours(tmp_path):
    with pytest.raises(ConfigError, match="no hephaestus"):
        Detector.from_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="no folder"):
        Detector.from_pretrained(tmp_path / "nowhere")
    facts = make_facts("smp")
    package_model(make_model("smp", facts).backbone, facts, tmp_path)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HubError, match="does not load as a smp model"):
        Detector.from_pretrained(tmp_path)
    weights.rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(HubError, match="no weights as safetensors"):
        Detector.from_pretrained(tmp_path)


def test_whole_and_window_agree_away_from_edges(tmp_path):
    facts = make_facts("smp")
    model = make_model("smp", facts)
    detector = Detector(model.backbone, facts, "unet", device="cpu")
    scene = frame_scene()
    top, left, height, width = 17, 23, 120, 130
    part = make_scene(
        "part",
        scene.insar_difference[:, top : top + height, left : left + width],
        scene.insar_coherence[:, top : top + height, left : left + width],
        scene.dem[top : top + height, left : left + width],
        transform=Affine(0.001, 0, DEGREES.c + left * 0.001, 0, -0.001, DEGREES.f - top * 0.001),
        crs=scene.crs,
    )
    whole = detector.predict(scene).probability[top : top + height, left : left + width]
    cut = detector.predict(part).probability
    inner = slice(SIZE, -SIZE)
    np.testing.assert_allclose(whole[inner, inner], cut[inner, inner], atol=1e-5)
    valid = ~np.isnan(cut)
    assert np.abs(whole - cut)[valid].max() > 1e-3  # the edges do differ: the test can fail


def test_borders_of_windows_leave_no_seam():
    # A wide blur that counts padding as zero is as wrong at a window's border as a model can be.
    detector = pointwise(reach=SIZE - 1)
    flat = np.ones((2, 150, 170), "float32")
    scene = make_scene("flat", flat, np.full(flat.shape, 150, "uint8"), flat[0], crs=None)
    probability = detector.predict(scene).probability
    alone = detector.predict(
        make_scene("one", flat[:, :SIZE, :SIZE], np.full((2, SIZE, SIZE), 150, "uint8"))
    ).probability
    inside = probability[SIZE:-SIZE, SIZE:-SIZE]
    jumps = max(np.abs(np.diff(inside, axis=axis)).max() for axis in (0, 1))
    assert np.ptp(alone) > 0.1
    assert jumps < 0.1 * np.ptp(alone)


def test_no_data_stays_no_data():
    scene = frame_scene()
    prediction = pointwise().predict(scene, threshold=0.0)
    assert scene.nodata.any()
    assert np.array_equal(np.isnan(prediction.probability), scene.nodata)
    assert np.array_equal(prediction.mask, ~scene.nodata)


def test_missing_channels_take_the_mean_and_are_named():
    scene = frame_scene()
    bare = make_scene("bare", scene.insar_difference, transform=DEGREES, crs="EPSG:4326")
    detector = pointwise(channels=CHANNEL_NAMES)
    prediction = detector.predict(bare)
    (said,) = [line for line in prediction.warnings if "training mean" in line]
    for name in ("insar_coherence", "dem", "surface_pressure (both dates)"):
        assert name in said
    filled = make_scene(
        "filled",
        scene.insar_difference,
        None,
        np.full(scene.dem.shape, BY_NAME["dem"].mean, "float32"),
        transform=DEGREES,
        crs="EPSG:4326",
    )
    np.testing.assert_allclose(
        prediction.probability, detector.predict(filled).probability, atol=1e-5
    )


def test_a_model_of_corrected_phases_asks_for_them():
    for corrected in (False, True):
        prediction = pointwise(correct_stratified=corrected).predict(frame_scene())
        said = " ".join(prediction.warnings)
        assert ("without the stratified troposphere" in said) == corrected


def test_channels_are_fed_by_name_in_the_models_order():
    row = make_row(np.random.default_rng(3), 1, 2, SIZE)
    detector = pointwise(channels=("dem", "insar_difference", "insar_coherence"))
    prediction = detector.predict(load_scene(row))
    np.testing.assert_allclose(prediction.probability, expected(detector, row)[1], atol=1e-5)


def test_planes_in_another_order_are_refused_by_name():
    detector = pointwise(channels=INSAR_CHANNELS)
    row = make_row(np.random.default_rng(0), 1, 2, SIZE, INSAR_CHANNELS)
    planes = [np.broadcast_to(row[name], (2, SIZE, SIZE)) for name in INSAR_CHANNELS]
    stack = np.stack(planes, 1).astype("float32")[None]
    assert detector.logits(stack, INSAR_CHANNELS).shape == (1, 2, SIZE, SIZE)
    with pytest.raises(ConfigError, match=r"insar_coherence in place 0 .* insar_difference"):
        detector.logits(stack, ("insar_coherence", "insar_difference", "dem"))
    with pytest.raises(ConfigError, match="lacks dem"):
        detector.logits(stack[:, :, :2], INSAR_CHANNELS[:2])
    with pytest.raises(ConfigError, match=r"takes .batch, 2, 3, height, width."):
        detector.logits(stack[:, :1], INSAR_CHANNELS)


def test_the_models_own_statistics_count():
    row = make_row(np.random.default_rng(3), 1, 2, SIZE)
    usual = pointwise().predict(load_scene(row))
    shifted = pointwise(mean=(1.0, 60.0, 900.0), std=(2.0, 70.0, 800.0)).predict(load_scene(row))
    assert np.abs(usual.probability - shifted.probability).max() > 0.01


@pytest.mark.parametrize(("given", "used"), [(1, (0, 0, 0)), (2, (0, 0, 1)), (5, (2, 3, 4))])
def test_series_of_another_length(given, used):
    scene = frame_scene(60, 60, given)
    prediction = pointwise(steps=3).predict(scene)
    chosen = list(used)
    exact = make_scene(
        "exact",
        scene.insar_difference[chosen],
        scene.insar_coherence[chosen],
        scene.dem,
        transform=DEGREES,
        crs="EPSG:4326",
    )
    np.testing.assert_array_equal(
        prediction.probability, pointwise(steps=3).predict(exact).probability
    )
    assert "dates" in prediction.warnings[0]


def test_another_grid_comes_back_on_its_own():
    utm = Affine(60, 0, 240_000, 0, -60, 1_500_000)
    scene = frame_scene(200, 240, transform=utm, crs="EPSG:32637")
    prediction = pointwise().predict(scene)
    assert prediction.probability.shape == (200, 240)
    assert np.isnan(prediction.probability[scene.nodata]).all()
    assert np.isfinite(prediction.probability[~scene.nodata]).mean() > 0.97
    assert "resampled" in " ".join(prediction.warnings)
    # The same pixels called degrees, so that nothing is resampled, differ by the blur alone.
    same = pointwise().predict(frame_scene(200, 240)).probability
    assert np.nanmean(np.abs(prediction.probability - same)) < 0.08


def test_several_types_share_the_probability():
    detector = pointwise(
        task="activity_type", classes=("Non_Deformation", *"ABCDEF"), threshold=0.5
    )
    row = make_row(np.random.default_rng(3), 1, 2, SIZE)
    prediction = detector.predict(load_scene(row))
    truth = expected(detector, row)
    np.testing.assert_allclose(prediction.probability, 1 - truth[0], atol=1e-5)
    assert list(prediction.class_probabilities) == ["Non_Deformation", *"ABCDEF"]
    assert sum(prediction.class_probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_step_that_deforms_is_enough_where_each_has_its_own_answer():
    detector = pointwise(mask_target="all")
    row = make_row(np.random.default_rng(3), 1, 2, SIZE)
    rasters = {name: torch.as_tensor(row[name])[None] for name in INSAR_CHANNELS}
    with torch.inference_mode():
        logits = detector._windows.model(Preprocessor(INSAR_CHANNELS, 2)(rasters)) / 1.3
    each = logits.reshape(2, 2, SIZE, SIZE).softmax(1)[:, 1]
    prediction = detector.predict(load_scene(row))
    np.testing.assert_allclose(prediction.probability, each.amax(0), atol=1e-5)


def test_a_frame_is_classified_by_its_most_probable_window():
    detector = pointwise(kind="timm")
    scene = frame_scene()
    counted = []
    prediction = detector.predict(scene, progress=lambda done, total: counted.append((done, total)))
    done, total = counted[-1]
    assert done == total > 20
    longitude, latitude = prediction.place
    column, row = (longitude - DEGREES.c) / 0.001, (DEGREES.f - latitude) / 0.001
    top, left = round(row - SIZE / 2), round(column - SIZE / 2)
    window = make_scene(
        "window",
        scene.insar_difference[:, top : top + SIZE, left : left + SIZE],
        scene.insar_coherence[:, top : top + SIZE, left : left + SIZE],
        scene.dem[top : top + SIZE, left : left + SIZE],
    )
    alone = detector.predict(window).image_probability
    assert prediction.image_probability == pytest.approx(alone, abs=1e-5)
    assert prediction.summary()["area_km2"] is None


def test_the_image_probability_is_of_a_square_kilometre_not_a_pixel():
    facts = make_facts("smp", ("insar_difference",), 1, temperature=1.0, threshold=0.5)
    backbone = Pointwise(1)
    with torch.no_grad():
        backbone.mix.weight.copy_(torch.tensor([0.0, 8.0]).reshape(2, 1, 1, 1))
        backbone.mix.bias.copy_(torch.tensor([0.0, -4.0]))
    detector = Detector(backbone, facts, "step", device="cpu")
    phase = np.full((60, 60), -2.0, "float32")
    phase[30, 30] = 3
    lone = detector.predict(make_scene("lone", phase, transform=DEGREES, crs="EPSG:4326"))
    assert (lone.probability >= 0.5).sum() == 1 and lone.verdict.decision == "Non_Deformation"
    assert not lone.mask.any()  # no pixel is marked that the verdict does not count
    phase[30, 30], phase[5:7, 50:52] = -2, 3  # beside a patch, the specks of a quiet scene stay out
    phase[20:40, 20:40] = 3
    patch = detector.predict(make_scene("patch", phase, transform=DEGREES, crs="EPSG:4326"))
    assert patch.mask.sum() == 400 and not patch.mask[5:7].any()
    assert patch.verdict.decision == "Deformation" and patch.image_probability > 0.99
    assert patch.centroid == pytest.approx((DEGREES.c + 0.030, DEGREES.f - 0.030), abs=1e-6)


def test_the_threshold_is_a_probability():
    detector = pointwise()
    with pytest.raises(ConfigError, match="between 0 and 1"):
        detector.predict(frame_scene(), threshold=3)
    prediction = detector.predict(frame_scene(), threshold=0.0)
    middle = float(np.nanmedian(prediction.probability))
    half = prediction.with_threshold(middle).mask.sum() / prediction.mask.sum()
    assert half == pytest.approx(0.5, abs=0.05)
