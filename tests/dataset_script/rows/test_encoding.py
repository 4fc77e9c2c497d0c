"""Where a row is cut out of its frame: all its steps count, and the recipe's seed."""

import numpy as np
import pytest

from dataset_script.annotations.reading import from_record
from dataset_script.annotations.series import derive_groups, make_samples
from dataset_script.cubes.minicube import Minicube
from dataset_script.cubes.rasters import Rasters
from dataset_script.rows.encoding import Encoder
from dataset_script.rows.recipe import Recipe
from tests.cubes import make_cube, make_records, write_cube

SEEDS = range(6)


@pytest.fixture(scope="module")
def samples():
    """A series with deformation, moving eastwards from step to step, and one without."""
    annotations = {int(n): from_record(r) for n, r in make_records().items()}
    moved, still, _ = (make_samples([g], 4, "train")[0] for g in derive_groups(annotations))
    return moved, still


@pytest.fixture(scope="module")
def cube(samples, tmp_path_factory):
    """The first step of the quiet series has no data in the eastern half."""
    dataset = make_cube()
    primary, secondary = samples[1].annotations[0].pair
    place = {"primary_date": str(primary), "secondary_date": str(secondary)}
    coherence = dataset.insar_coherence.copy()
    coherence.loc[place][:, 28:] = 0
    path = write_cube(dataset.assign(insar_coherence=coherence), tmp_path_factory.mktemp("cube"))
    with Minicube.open(path) as opened:
        yield opened


def encode(cube, sample, seed, size):
    recipe = Recipe(4, size, channels=("insar_coherence",), seed=seed)
    return Encoder(cube, recipe).encode(sample)


def test_the_crop_holds_the_deformation_of_every_step(cube, samples):
    moved, _ = samples
    frame = [cube.read("deformation_mask", *step.pair) for step in moved.annotations]
    for seed in SEEDS:
        row = encode(cube, moved, seed, 20)
        assert [(mask > 0).sum() for mask in row["deformation_mask"]] == [
            (mask > 0).sum() for mask in frame
        ]


def test_the_crop_avoids_what_lacks_data_at_any_step(cube, samples):
    for seed in SEEDS:
        row = encode(cube, samples[1], seed, 16)
        assert (row["insar_coherence"] == 0).sum() <= 0.02 * 16 * 16 * 4


def test_another_seed_cuts_elsewhere_and_the_same_seed_in_the_same_place(cube, samples):
    windows = [tuple(encode(cube, samples[0], seed, 24)["window"]) for seed in SEEDS]
    assert len(set(windows)) > 2
    assert windows == [tuple(encode(cube, samples[0], seed, 24)["window"]) for seed in SEEDS]
    assert {window[2:] for window in windows} == {(24, 24)}


@pytest.mark.parametrize("length", [1, 3, 7, None])
@pytest.mark.parametrize("stratified", [False, True])
def test_a_group_decodes_each_raster_once_and_keeps_none_at_its_end(
    tmp_path, monkeypatch, length, stratified
):
    """A group of six: single steps, series that share one, a padded one that repeats one, whole."""
    records = make_records(secondaries=6)
    annotations = {int(n): from_record(r) for n, r in records.items()}
    group = derive_groups(annotations)[0]
    samples = make_samples([group], length, "train")
    held = [step.pair for sample in samples for step in sample.annotations]
    assert (len(held) > len(set(held))) == (length in (3, 7))
    recipe = Recipe(length, 20, correct_stratified=stratified)
    path = write_cube(make_cube(records), tmp_path)
    decoded = []
    decode = Rasters.decode
    monkeypatch.setattr(
        Rasters, "decode", lambda self, *what: decoded.append(what) or decode(self, *what)
    )
    with Minicube.open(path) as cube:
        apart = [Encoder(cube, recipe).encode(sample, samples) for sample in samples]
    decoded.clear()
    with Minicube.open(path) as cube:
        encoder = Encoder(cube, recipe)
        together = [encoder.encode(sample, samples[n:]) for n, sample in enumerate(samples, 1)]
        kept = list(cube._cache._frames)  # closing the cube lets go of all
    names = [name if name.startswith("primary") else (name, pair) for name, pair in decoded]
    assert len(names) == len(set(names))
    assert stratified or not kept
    for row, other in zip(together, apart, strict=True):
        assert row.keys() == other.keys()
        for name, value in row.items():
            np.testing.assert_equal(value, other[name])
