"""Whatever is done to the wrapped phase must be what the wrapped field would have had done."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from dataset_script.channels import CHANNEL_NAMES
from training.config.schema import AugmentationConfig
from training.data.tasks import IGNORED
from training.inputs.augmentation import Augmentation, wrap
from training.inputs.draws import EDDIES, Draw, draw
from training.inputs.preprocessing import Preprocessor
from training.inputs.turbulence import turbulence

STEPS, SIDE = 3, 48
PLACE = {name: place for place, name in enumerate(CHANNEL_NAMES)}
STILL = Draw((False, False), 0, False, np.zeros(STEPS), np.zeros(STEPS), 0.0, 1.0, 0.0, 0)


def field():
    """Unwrapped phase of several fringes, smooth, `[T, H, W]`."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE), indexing="ij")
    bump = torch.exp(-((x - 0.2) ** 2 + (y + 0.1) ** 2) / 0.3)
    return torch.stack([(step + 1) * 3.0 * bump + 2.0 * x for step in range(STEPS)])


def scene(unwrapped):
    """A stack `[1, T, C, H, W]` around a phase field."""
    source = torch.Generator().manual_seed(0)
    stack = torch.rand(1, STEPS, len(CHANNEL_NAMES), SIDE, SIDE, generator=source) * 100 + 1
    stack[0, :, PLACE["insar_difference"]] = wrap(unwrapped)
    return stack


def augmented(unwrapped, **changes):
    augment = Augmentation(AugmentationConfig(), CHANNEL_NAMES, 0)
    target = torch.zeros(1, SIDE, SIDE, dtype=torch.int64)
    target[0, 10:20, 12:30] = 1
    stack, target = augment.apply(scene(unwrapped), target, [dataclasses.replace(STILL, **changes)])
    return stack[0], target[0]


def phase_of(stack):
    return stack[:, PLACE["insar_difference"]]


def same_phase(one, other, tolerance=1e-5):
    assert wrap(one - other).abs().max() < tolerance


MOVES = [
    ({"flip": (True, False)}, lambda f: f.flip(-1)),
    ({"flip": (False, True)}, lambda f: f.flip(-2)),
    ({"turns": 1}, lambda f: torch.rot90(f, 1, (-2, -1))),
    ({"turns": 3, "flip": (True, True)}, lambda f: torch.rot90(f.flip((-1, -2)), 3, (-2, -1))),
]


@pytest.mark.parametrize(("change", "move"), MOVES)
def test_flips_and_quarter_turns_are_exact(change, move):
    stack, target = augmented(field(), **change)
    assert torch.equal(phase_of(stack), move(wrap(field())))
    assert torch.equal(stack[:, 1:], move(scene(field())[0, :, 1:]))
    before = augmented(field())[1]
    assert torch.equal(target, move(before))


def test_offset_and_stratification_wrap_the_sum():
    offsets, slopes = np.array([1.0, -2.0, 3.0]), np.array([0.5, 4.0, -9.0])
    stack, _ = augmented(field(), offsets=offsets, slopes=slopes)
    dem = scene(field())[0, :, PLACE["dem"]]
    sides = torch.tensor(offsets)[:, None, None], torch.tensor(slopes)[:, None, None]
    same_phase(phase_of(stack), wrap(field() + sides[0] + sides[1] * dem / 1000), 1e-4)
    assert phase_of(stack).abs().max() <= math.pi + 1e-6


def test_time_reversal_negates_phase_and_swaps_dates():
    stack, _ = augmented(field(), reverse=True)
    plain = scene(field())[0]
    same_phase(phase_of(stack), wrap(-field()))
    for name in CHANNEL_NAMES[3:]:
        dates = ("primary", "secondary") if name.startswith("primary") else ("secondary", "primary")
        other = name.replace(*dates, 1)
        assert torch.equal(stack[:, PLACE[name]], plain[:, PLACE[other]])
    assert torch.equal(stack[:, PLACE["dem"]], plain[:, PLACE["dem"]])


def test_resampling_commutes_with_wrapping():
    """Rotating exp(i phase) is rotating the unwrapped field and wrapping it."""
    change = {"rotation": 0.4, "zoom": 1.15}
    stack, _ = augmented(field(), **change)
    augment = Augmentation(AugmentationConfig(), ["dem"], 0)  # resampled as plain numbers
    drawn = dataclasses.replace(STILL, **change)
    smooth, _ = augment.apply(field()[None, :, None], torch.zeros(1), [drawn])
    inside = stack[:, PLACE["insar_coherence"]] > 0
    gap = wrap(phase_of(stack) - smooth[0, :, 0]).abs()[inside]
    assert inside.float().mean() > 0.8
    assert gap.max() < 0.02
    naive = torch.nn.functional.interpolate(wrap(field())[None], scale_factor=0.7, mode="bilinear")
    truth = torch.nn.functional.interpolate(field()[None], scale_factor=0.7, mode="bilinear")
    assert wrap(naive - truth).abs().max() > 1  # what interpolating wrapped phase would do


def test_noise_is_added_before_wrapping_and_has_its_size():
    stack, _ = augmented(field(), noise=0.3, noise_seed=5)
    difference = wrap(phase_of(stack) - wrap(field()))
    assert difference.std().item() == pytest.approx(0.3, rel=0.05)


def test_pixels_without_data_stay_without():
    unwrapped = field()
    augment = Augmentation(AugmentationConfig(), CHANNEL_NAMES, 0)
    stack = scene(unwrapped)
    for name in ("insar_difference", "insar_coherence"):
        stack[:, :, PLACE[name], :, :10] = 0
    drawn = dataclasses.replace(STILL, offsets=np.ones(STEPS), noise=0.5, turns=1)
    moved, _ = augment.apply(stack, torch.zeros(1), [drawn])
    for name in ("insar_difference", "insar_coherence"):
        raster = moved[0, :, PLACE[name]]
        assert (torch.rot90(raster, -1, (-2, -1))[..., :10] == 0).all()
    assert (moved[0, :, 0] != 0).float().mean() > 0.7


def test_withheld_fields_become_the_mean_and_nothing_else_changes():
    plain = scene(field())[0]
    stack, _ = augmented(field(), missing=(True, False, False), slopes=np.ones(STEPS))
    assert torch.isnan(stack[:, 3:]).all()
    assert torch.equal(stack[:, 1:3], plain[:, 1:3])
    without, _ = augmented(field(), missing=(False, True, False), slopes=np.ones(STEPS))
    assert torch.isnan(without[:, PLACE["dem"]]).all()
    assert torch.equal(phase_of(without), phase_of(stack))
    assert torch.equal(without[:, 3:], plain[:, 3:])
    images = Preprocessor(CHANNEL_NAMES, STEPS).normalise(stack[None])
    assert (images[:, :, 3:] == 0).all()


def test_beyond_the_edge_no_pixel_is_counted():
    _, target = augmented(field(), rotation=math.pi / 4, zoom=1.0)
    assert (target[:4, :4] == IGNORED).all()
    assert (target[SIDE // 2, SIDE // 2] != IGNORED).all()


def test_draws_depend_on_seed_epoch_and_sample_alone():
    config = AugmentationConfig(
        flip=0.5, quarter_turn=0.5, phase_offset=1.0, resample=0.5, noise=0.5, time_reversal=0.5
    )
    augment = Augmentation(config, CHANNEL_NAMES, 7)
    batch = scene(field()).repeat(3, 1, 1, 1, 1)
    target = torch.zeros(3, SIDE, SIDE, dtype=torch.int64)
    together, _ = augment(batch.clone(), target, [4, 9, 2], 1)
    alone, _ = augment(batch[:1].clone(), target[:1], [9], 1)
    assert torch.equal(together[1], alone[0])
    later, _ = augment(batch[:1].clone(), target[:1], [9], 2)
    assert not torch.equal(later, alone)


def test_probabilities_are_kept():
    config = AugmentationConfig(flip=0.3, quarter_turn=0.6, time_reversal=0.2, resample=0.1)
    draws = [draw(config, np.random.default_rng([0, i]), STEPS) for i in range(3000)]
    assert np.mean([d.flip[0] for d in draws]) == pytest.approx(0.3, abs=0.03)
    assert np.mean([d.turns > 0 for d in draws]) == pytest.approx(0.6, abs=0.03)
    assert np.mean([d.reverse for d in draws]) == pytest.approx(0.2, abs=0.03)
    assert np.mean([d.zoom != 1 for d in draws]) == pytest.approx(0.1, abs=0.03)
    assert all(d.noise == 0 and not d.offsets.any() for d in draws)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("flip", [(False, False), (True, False), (False, True), (True, True)])
def test_pixels_move_as_flips_and_then_quarter_turns_would(flip, turns):
    stack = torch.arange(2 * 16.0).reshape(1, 1, 2, 4, 4) / 50 + 0.1
    target = torch.arange(16).reshape(1, 4, 4)
    augment = Augmentation(AugmentationConfig(), ["insar_difference", "dem"], 0)
    still = dataclasses.replace(STILL, offsets=np.zeros(1), slopes=np.zeros(1))
    axes = [axis for axis, flipped in zip((-1, -2), flip, strict=True) if flipped]
    expected, _ = augment.apply(stack.clone(), target, [still])
    moved, masks = augment.apply(
        stack.clone(), target, [dataclasses.replace(still, flip=flip, turns=turns)]
    )
    torch.testing.assert_close(moved, torch.rot90(expected.flip(axes), turns, (-2, -1)))
    assert torch.equal(masks, torch.rot90(target.flip(axes), turns, (-2, -1)))


def test_coherence_is_withheld_on_the_whole():
    stack, _ = augmented(field(), missing=(False, False, True))
    assert stack[:, PLACE["insar_coherence"]].isnan().all()
    assert not stack[:, PLACE["insar_difference"]].isnan().any()


def test_elevation_moves_by_a_constant_and_nothing_else_does():
    still, _ = augmented(field())
    lifted, _ = augmented(field(), lift=150.0)
    torch.testing.assert_close(lifted[:, PLACE["dem"]], still[:, PLACE["dem"]] + 150)
    others = [place for name, place in PLACE.items() if name != "dem"]
    assert torch.equal(lifted[:, others], still[:, others])


def test_new_kinds_of_missing_input_are_drawn_as_often_as_asked_and_disturb_no_other_draw():
    asked = AugmentationConfig(
        flip=0.5, missing=0.5, missing_coherence=0.3, elevation_offset=0.6, elevation_offset_std=50
    )
    before = dataclasses.replace(asked, missing_coherence=0.0, elevation_offset=0.0)
    drawn = [draw(asked, np.random.default_rng(seed), STEPS) for seed in range(800)]
    plain = [draw(before, np.random.default_rng(seed), STEPS) for seed in range(800)]
    assert np.mean([d.missing[2] for d in drawn]) == pytest.approx(0.3, abs=0.05)
    lifts = np.array([d.lift for d in drawn])
    assert np.mean(lifts != 0) == pytest.approx(0.6, abs=0.05)
    assert lifts[lifts != 0].std() == pytest.approx(50, rel=0.1)
    assert [d.missing[:2] for d in drawn] == [d.missing[:2] for d in plain]
    assert [d.flip for d in drawn] == [d.flip for d in plain]


def test_turbulence_is_added_to_the_phase_and_to_nothing_else():
    air = {"turbulence": 0.7, "outer_scale": 15.0, "turbulence_seed": 5}
    stack, target = augmented(field(), **air)
    still, same = augmented(field())
    assert torch.equal(target, same)
    others = [place for name, place in PLACE.items() if name != "insar_difference"]
    assert torch.equal(stack[:, others], still[:, others])
    added = wrap(phase_of(stack) - phase_of(still))
    expected = 0.7 * turbulence(torch.zeros(STEPS, SIDE, SIDE), 15.0, 5)
    same_phase(added, expected)
    assert (added[0] - added[1]).abs().max() > 0.1  # each date has air of its own


@pytest.mark.parametrize("outer_scale", EDDIES)
def test_turbulence_has_the_size_that_was_asked_for(outer_scale):
    air = turbulence(torch.zeros(4, 256, 256), outer_scale, 1)
    assert air.mean((1, 2)).abs().max() < 1e-4
    torch.testing.assert_close(air.std((1, 2)), torch.ones(4))
    near, far = (float((air[..., lag:] * air[..., :-lag]).mean()) for lag in (2, int(outer_scale)))
    assert near > 0.5  # smooth, as looks and filter leave it
    assert far < 0.3


def test_turbulence_is_drawn_as_often_and_as_strongly_as_configured():
    config = AugmentationConfig(turbulence=0.3, turbulence_std=2.0)
    drawn = [draw(config, np.random.default_rng(seed), 1) for seed in range(400)]
    assert np.mean([d.turbulence > 0 for d in drawn]) == pytest.approx(0.3, abs=0.07)
    assert all(EDDIES[0] <= d.outer_scale <= EDDIES[1] for d in drawn)
    large = [d.turbulence for d in drawn if d.turbulence and d.outer_scale > 80]
    small = [d.turbulence for d in drawn if d.turbulence and d.outer_scale < 20]
    assert np.mean(small) < 0.6 * np.mean(large)
    quiet = [draw(AugmentationConfig(), np.random.default_rng(seed), 1) for seed in range(20)]
    assert not any(d.turbulence for d in quiet)
