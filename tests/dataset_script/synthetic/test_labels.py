"""What the synthetic annotations say, against the interferograms that they describe."""

import re

import numpy as np
import pytest
from rasterio.features import rasterize
from scipy.ndimage import binary_dilation, label

from dataset_script.annotations.record import PICTURE_SCALE
from dataset_script.annotations.splits import period
from dataset_script.labels import ACTIVITY_TYPES, INTENSITY_LEVELS
from dataset_script.synthetic.frames import plan_frames
from dataset_script.synthetic.labels.annotating import (
    CLOSING_PIXELS,
    HIGH_FROM,
    MASK_FRINGES,
    MASK_SHARE,
    MEDIUM_FROM,
    MIN_PIXELS,
    annotate,
    trace_polygons,
)
from dataset_script.synthetic.labels.defects import DEFECTS, draw_defects, spoil
from dataset_script.synthetic.scene import Scene


@pytest.fixture(scope="module")
def scenes():
    plans = plan_frames(3, seed=1, height=112, width=128, acquisitions=26, neighbours=3)
    return [Scene(plan) for plan in plans]


@pytest.fixture(scope="module")
def annotated(scenes):
    """Scene, interferogram, annotation and masks of every pair."""
    found = []
    for scene in scenes:
        for number, pair in enumerate(scene.plan.pairs):
            interferogram = scene.interferogram(pair)
            found.append(
                (scene, interferogram, *annotate(scene, interferogram, pair, number, None))
            )
    return found


def test_mask_is_where_deformation_exceeds_the_stated_fraction(annotated):
    checked = far_tails = 0
    for scene, interferogram, _, masks in annotated:
        mask = masks["deformation_mask"] > 0
        strong = (np.abs(interferogram.motion) > 2 * np.pi * MASK_FRINGES) & scene.visible
        alone = np.zeros(strong.shape, bool)
        for phase, peak in zip(interferogram.deformation, interferogram.strengths, strict=True):
            alone |= np.abs(phase) / (2 * np.pi) > max(MASK_FRINGES, MASK_SHARE * abs(peak))
        tails = strong & ~alone
        far_tails += tails.any()
        strong &= alone
        patches, count = label(strong, np.ones((3, 3)))
        sizes = np.bincount(patches.ravel(), minlength=count + 1)
        # All that is strong and large enough is in; what else is in lies in a narrow gap.
        assert mask[strong & (sizes >= MIN_PIXELS)[patches]].all()
        assert not (mask & ~scene.visible).any()
        assert not (mask & ~binary_dilation(strong, iterations=CLOSING_PIXELS)).any()
        checked += mask.any()
    assert checked > 20 and far_tails > 3


def test_masks_agree_with_each_other_and_with_the_annotation(annotated):
    for _, _, annotation, masks in annotated:
        mask = masks["deformation_mask"]
        assert annotation.positive == bool(mask.any())
        assert (masks["activity_type_mask"] > 0).tolist() == (mask > 0).tolist()
        kinds = {
            ACTIVITY_TYPES[code - 1] for code in np.unique(masks["activity_type_mask"]) if code
        }
        assert kinds == set(annotation.activity_types)
        quake = masks["activity_type_mask"] == 1 + ACTIVITY_TYPES.index("Earthquake")
        np.testing.assert_array_equal(quake, mask == 2)
        assert not masks["intensity_level_mask"][quake].any()
        levels = {
            INTENSITY_LEVELS[code] for code in np.unique(masks["intensity_level_mask"][mask == 1])
        }
        assert levels == {level for level in annotation.intensity_levels if level != "None"}
        assert ("Earthquake" in annotation.labels) == bool(quake.any())
        assert ("Deformation" in annotation.labels) == bool((mask == 1).any())


def test_polygons_cover_the_masks_at_the_pictures_scale(annotated):
    checked = 0
    for _, _, annotation, masks in annotated:
        if not annotation.positive:
            assert annotation.segmentation_mask == ()
            continue
        mask = masks["deformation_mask"] > 0
        assert len(annotation.segmentation_mask) == len(annotation.activity_types)
        assert len(annotation.segmentation_mask) == len(annotation.intensity_levels)
        rings = [
            np.array(flat).reshape(-1, 2) / PICTURE_SCALE for flat in annotation.segmentation_mask
        ]
        shapes = [{"type": "Polygon", "coordinates": [ring.tolist()]} for ring in rings]
        drawn = rasterize(shapes, out_shape=mask.shape).astype(bool)
        assert drawn[mask].mean() > 0.9
        assert (drawn & ~binary_dilation(mask, iterations=2)).mean() < 0.02
        checked += 1
    assert checked > 20


def test_intensity_counts_fringes(annotated):
    seen = set()
    for _, interferogram, annotation, masks in annotated:
        if len(set(annotation.intensity_levels)) != 1 or "Earthquake" in annotation.labels:
            continue
        mask = masks["deformation_mask"] > 0
        fringes = np.abs(interferogram.motion[mask]).max() / (2 * np.pi)
        (level,) = set(annotation.intensity_levels)
        low, high = {
            "Low": (MASK_FRINGES, MEDIUM_FROM),
            "Medium": (MEDIUM_FROM, HIGH_FROM),
            "High": (HIGH_FROM, np.inf),
        }[level]
        assert low <= fringes <= high
        seen.add(level)
    assert seen >= {"Low", "Medium"}


def test_phase_of_the_volcano(annotated):
    seen = set()
    for _, interferogram, annotation, _ in annotated:
        seen.add(annotation.phase)
        if annotation.phase == "Rest":
            assert not annotation.positive
        if annotation.labels == ("Earthquake",):
            assert annotation.phase == "None"
        if len(interferogram.strengths) == 1 and annotation.labels == ("Deformation",):
            grows = interferogram.strengths[0] > 0
            assert annotation.phase == ("Unrest" if grows else "Rebound")
    assert seen == {"Rest", "Unrest", "Rebound", "None"}


def test_every_split_of_every_frame_sees_activity_and_rest(annotated, scenes):
    found = {
        (annotation.frame_id, period(annotation.primary_date), annotation.positive)
        for _, _, annotation, _ in annotated
    }
    assert len(found) == len(scenes) * 3 * 2


def test_earthquakes_strike_in_training_alone(annotated):
    quakes = [a for _, _, a, _ in annotated if "Earthquake" in a.labels]
    assert quakes
    assert {period(quake.primary_date) for quake in quakes} == {"train"}


def test_faint_and_strong_deformation_are_both_there(annotated):
    peaks = [
        np.abs(interferogram.motion[masks["deformation_mask"] > 0]).max() / (2 * np.pi)
        for _, interferogram, annotation, masks in annotated
        if annotation.positive
    ]
    assert min(peaks) < 3 * MASK_FRINGES
    assert max(peaks) > 8 * MASK_FRINGES


def test_atmospheric_flag_is_true_of_the_scene(annotated):
    stratified, turbulent = {0: [], 1: []}, {0: [], 1: []}
    for scene, interferogram, annotation, _ in annotated:
        flag = annotation.atmospheric_fringes
        stratified[flag & 1].append(np.ptp(interferogram.stratified[scene.visible]))
        turbulent[flag >> 1].append(interferogram.turbulent[scene.visible].std())
    for groups in (stratified, turbulent):
        assert np.mean(groups[1]) > 1.5 * np.mean(groups[0])
    assert max(turbulent[0]) <= min(turbulent[1])


def test_orbital_and_glacier_flags_follow_their_fringes(annotated):
    for scene, interferogram, annotation, _ in annotated:
        ramp = np.ptp(interferogram.orbit) / (2 * np.pi)
        assert annotation.orbital_fringes == (ramp >= 0.8)
        if annotation.glacier_fringes:
            assert scene.plan.climate.ice
            assert np.abs(interferogram.glacier).max() >= np.pi
    assert not any(a.glacier_fringes for s, _, a, _ in annotated if not s.plan.climate.ice)


def test_ice_surges_and_is_not_deformation(scenes):
    (scene,) = (s for s in scenes if s.plan.climate.ice)
    step = int(np.argmax(np.diff(scene.ice_strength)))
    pair = (step, step + 1)
    interferogram = scene.interferogram(pair)
    assert np.abs(interferogram.glacier).max() > 0
    alone = np.abs(interferogram.motion) < 2 * np.pi * MASK_FRINGES
    _, masks = annotate(scene, interferogram, pair, 0, None)
    moved = np.abs(interferogram.glacier) > 2 * np.pi * MASK_FRINGES
    if (moved & alone).any() and not interferogram.motion.any():
        assert not masks["deformation_mask"].any()


def test_captions_name_what_the_annotation_holds(annotated):
    for _, _, annotation, _ in annotated:
        caption = annotation.caption
        if not annotation.positive:
            assert "No deformation is visible" in caption
            continue
        if "Many" in caption:
            continue
        for kind in set(annotation.activity_types) - {"Earthquake", "Unidentified"}:
            assert f"{kind.lower()}-type" in caption
        assert ("earthquake" in caption) == ("Earthquake" in annotation.activity_types)
        assert ("urbulent mixing" in caption) == (annotation.atmospheric_fringes in (2, 3))
        assert len(caption) <= 572
        mentioned = set(re.findall(r"of (low|medium|high) intensity", caption))
        levels = {level.lower() for level in annotation.intensity_levels} - {"none"}
        assert levels == mentioned


def test_outline_of_a_rectangle():
    pixels = np.zeros((20, 30), bool)
    pixels[4:10, 10:20] = True
    (polygon,) = trace_polygons(pixels)
    corners = {tuple(point) for point in np.array(polygon).reshape(-1, 2)}
    assert corners == {(3.0, 1.2), (3.0, 3.0), (6.0, 3.0), (6.0, 1.2)}


def test_defects_hit_quiet_pairs_and_leave_every_split_its_rest(scenes):
    for scene in scenes:
        defects = draw_defects(np.random.default_rng(0), scene)
        quiet = scene.quiet_pairs()
        assert defects and set(defects) < set(quiet)
        for split in ("train", "validation", "test"):
            own = [p for p in quiet if period(scene.plan.dates[p[0]]) == split]
            assert set(own) - set(defects)


@pytest.mark.parametrize("defect", DEFECTS)
def test_defects_spoil_what_they_say(scenes, defect):
    scene = scenes[0]
    pair = scene.quiet_pairs()[0]
    sound = scene.interferogram(pair)
    spoilt = spoil(np.random.default_rng(0), sound, scene.swath, defect)
    annotation, masks = annotate(scene, sound, pair, 1, defect)
    assert not annotation.usable and not annotation.positive
    assert not any(mask.any() for mask in masks.values())
    inside = scene.swath.inside
    assert not spoilt.phase[~inside].any() and not spoilt.coherence[~inside].any()
    changed = (spoilt.phase != sound.phase)[inside].mean()
    if defect == "swath merging":
        lost = inside & (spoilt.coherence == 0)
        assert 0.1 < lost.mean() < 0.5 and not spoilt.phase[lost].any()
    elif defect == "debursting":
        jump = np.angle(np.exp(1j * (spoilt.phase.astype(float) - sound.phase)))[inside]
        assert len(np.unique(np.round(jump, 3))) == 3
    else:
        assert changed > 0.95
        assert spoilt.coherence.mean() < 0.5 * sound.coherence.mean()


def test_phase_gradient_alone_does_not_tell_deformation(annotated):
    """Even with the best threshold in hindsight: a model must learn shapes."""
    gradients, positive = [], []
    for _, interferogram, annotation, _ in annotated:
        phase = interferogram.phase.astype(float)
        steps = [np.angle(np.exp(1j * np.diff(phase, axis=axis))) for axis in (0, 1)]
        gradients.append(np.mean([np.abs(step).mean() for step in steps]))
        positive.append(annotation.positive)
    gradients, positive = np.array(gradients), np.array(positive)

    def f1(predicted):
        return 2 * (predicted & positive).sum() / (predicted.sum() + positive.sum())

    everything = f1(np.ones_like(positive))
    assert max(f1(gradients >= threshold) for threshold in gradients) < everything + 0.15


def test_most_deformation_is_clear_to_see(annotated):
    confidence = [a.confidence for _, _, a, _ in annotated if a.positive]
    assert np.mean(np.array(confidence) > 0.65) > 0.6
    assert min(confidence) < 0.65
    assert all(a.confidence == 0.8 for _, _, a, _ in annotated if not a.positive)
