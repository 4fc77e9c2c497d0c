"""What the processor makes of a signal, against closed forms."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma, hyp2f1

from dataset_script.synthetic.radar import processor

SHAPE = (192, 192)
NO_OFFSETS = np.zeros((2, *SHAPE), np.float32)
INSIDE = np.ones(SHAPE, bool)


def just_bamler_deviation(c, looks):
    """Standard deviation of the phase of L looks by its density (Just & Bamler 1994)."""

    def density(phi):
        b = c * np.cos(phi)
        first = gamma(looks + 0.5) * (1 - c**2) ** looks * b
        first /= 2 * np.sqrt(np.pi) * gamma(looks) * (1 - b**2) ** (looks + 0.5)
        return first + (1 - c**2) ** looks / (2 * np.pi) * hyp2f1(looks, 1, 0.5, b**2)

    assert quad(density, -np.pi, np.pi)[0] == pytest.approx(1, abs=1e-6)
    return np.sqrt(quad(lambda phi: phi**2 * density(phi), -np.pi, np.pi)[0])


def run(phase, c, exponents=(), patch=32, offsets=NO_OFFSETS, inside=INSIDE):
    chosen = processor.Processor(exponents, patch, 0.0, offsets)
    coherence = np.broadcast_to(c, SHAPE).astype(float)
    return processor.process(np.random.default_rng(0), chosen, phase, coherence, inside)


@pytest.mark.parametrize("c", [0.05, 0.2, 0.5, 0.8])
def test_coherence_sets_the_phase_noise(c):
    looks = processor.draw_looks(np.random.default_rng(0), np.full((300, 300), c))
    noise = np.angle(looks.cross)
    assert noise.std() == pytest.approx(just_bamler_deviation(c, processor.LOOKS), rel=0.02)
    assert abs(noise.mean()) < 0.03
    # Unit power of a look in both images, and the sample coherence's second moment.
    for power in (looks.first, looks.second):
        assert power.mean() == pytest.approx(processor.LOOKS, rel=0.01)
    sample = np.abs(looks.cross) / np.sqrt(looks.first * looks.second)
    biased = np.sqrt(c**2 + (1 - c**2) ** 2 / processor.LOOKS)
    assert np.sqrt(np.mean(sample**2)) == pytest.approx(biased, rel=0.02)


@pytest.mark.parametrize("c", [0.0, 0.3, 0.9])
def test_coherence_is_estimated_in_a_window(c):
    _, stored = run(np.zeros(SHAPE), c)
    assert stored.dtype == np.float32 and (stored == np.rint(stored)).all()
    expected = 6.5 if c == 0 else 255 * c
    assert stored.mean() == pytest.approx(expected, abs=1.5)


def test_neighbouring_estimates_share_most_of_their_window():
    _, stored = run(np.zeros(SHAPE), 0.3)
    rest = stored - stored.mean()
    # 16 / 19: the overlap of the weights 1, 2, 3, 2, 1 with themselves one pixel on.
    assert np.mean(rest[:, 1:] * rest[:, :-1]) / rest.var() == pytest.approx(16 / 19, abs=0.03)


def test_fringes_lower_the_estimate_of_coherence():
    still, fast = (
        run(rate * np.arange(SHAPE[1]) * np.ones(SHAPE), 0.9)[1].mean() for rate in (0.0, 0.7)
    )
    # The window's own weights, 1 2 3 2 1, at 0.7 rad a pixel.
    weights = np.array([1, 2, 3, 2, 1]) / 9
    expected = abs(np.sum(weights * np.exp(0.7j * np.arange(5))))
    assert fast / still == pytest.approx(expected, rel=0.02)


def test_without_a_filter_noise_is_white_and_with_one_it_is_weaker_and_correlated():
    ramp = 0.15 * np.arange(SHAPE[1]) * np.ones(SHAPE)
    deviations, correlations = [], []
    for exponents in ((), (0.4,), (0.8,), (0.8, 0.8)):
        signal, _ = run(ramp, 0.3, exponents)
        noise = np.angle(signal * np.exp(-1j * ramp))[16:-16, 16:-16]
        deviations.append(noise.std())
        correlations.append(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1])
    assert deviations[0] == pytest.approx(just_bamler_deviation(0.3, processor.LOOKS), rel=0.05)
    assert np.all(np.diff(deviations) < 0)
    assert abs(correlations[0]) < 0.02 < 0.08 < correlations[1] < correlations[2]


def test_filtered_sea_stays_white():
    signal, _ = run(np.zeros(SHAPE), 0.0, (0.8,))
    turned = signal / np.abs(signal)
    assert abs(np.mean(turned)) < 0.02
    assert abs(np.mean(turned[:, 1:] * turned[:, :-1].conj())) < 0.1


@pytest.mark.parametrize("shape", [(48, 64), (50, 71), (192, 33)])
@pytest.mark.parametrize("patch", [16, 32])
def test_filter_with_no_exponent_changes_nothing(shape, patch):
    rng = np.random.default_rng(1)
    signal = np.exp(1j * rng.uniform(-np.pi, np.pi, shape)).astype(np.complex64)
    np.testing.assert_allclose(processor.goldstein(signal, 0.0, patch), signal, atol=1e-5)


def test_geocoding_shifts_a_ramp_by_its_gradient():
    ramp = 0.2 * np.arange(SHAPE[1]) * np.ones(SHAPE)
    offsets = np.stack([np.full(SHAPE, 0.3), np.full(SHAPE, -0.5)]).astype(np.float32)
    found = processor.geocode(np.exp(1j * ramp), offsets)[:, 1:-1]
    np.testing.assert_allclose(np.angle(found * np.exp(-1j * ramp[:, 1:-1])), -0.1, atol=1e-5)


def test_nothing_is_left_outside_the_swath():
    inside = np.arange(SHAPE[1]) < 100
    signal, stored = run(np.zeros(SHAPE), 0.9, (0.8,), inside=np.broadcast_to(inside, SHAPE))
    assert not signal[:, ~inside].any() and not stored[:, ~inside].any()
    assert stored[:, inside].min() >= 1
    # The edge does not darken what lies inside.
    assert stored[:, 99].mean() == pytest.approx(stored[:, 50].mean(), rel=0.02)
