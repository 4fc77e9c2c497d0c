import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset

from dataset_script.labels import ACTIVITY_TYPES, INTENSITY_LEVELS, LABELS, PHASES
from dataset_script.rows.features import row_features
from dataset_script.rows.tables import RasterColumn, row_bytes, rows_to_table
from tests.rows import make_row


def coded(row):
    """The row with class codes, as the encoder makes it."""
    lists = {"labels": LABELS, "activity_types": ACTIVITY_TYPES}
    lists["intensity_levels"] = INTENSITY_LEVELS
    row = dict(row, phases=[PHASES.index(name) for name in row["phases"]])
    for column, vocabulary in lists.items():
        row[column] = [[vocabulary.index(name) for name in step] for step in row[column]]
    return row


@pytest.mark.parametrize("nodes", [None, 5])
def test_table_is_what_datasets_itself_would_build(nodes):
    rng = np.random.default_rng(0)
    rows = [make_row(rng, i, 3, 12, nodes=nodes) for i in range(4)]
    features = row_features(3, 12, atmosphere_nodes=nodes)
    table = rows_to_table([coded(row) for row in rows], features)
    table.validate(full=True)
    expected = Dataset.from_list(rows, features=features)
    assert Dataset(table).features == features
    assert Dataset(table).to_dict() == expected.to_dict()


def test_length_may_vary_where_the_features_say_so():
    rng = np.random.default_rng(0)
    rows = [coded(make_row(rng, i, steps, 8)) for i, steps in enumerate((1, 4, 2))]
    dataset = Dataset(rows_to_table(rows, row_features(None, 8))).with_format("numpy")
    for row, read in zip(rows, dataset, strict=True):
        for name in ("insar_difference", "dem", "deformation_mask"):
            np.testing.assert_array_equal(row[name], read[name])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("dem", np.zeros((12, 8), np.float32)),
        ("dem", np.zeros((12, 12))),
        ("insar_difference", np.zeros((2, 12, 12), np.float32)),
    ],
)
def test_a_raster_that_does_not_fit_its_column_is_refused(name, wrong):
    row = coded(make_row(np.random.default_rng(0), 0, 3, 12)) | {name: wrong}
    with pytest.raises(ValueError, match="does not fit a column"):
        rows_to_table([row], row_features(3, 12))


def test_row_bytes_counts_rasters():
    row = make_row(np.random.default_rng(0), 0, 3, 8, channels=("insar_difference", "dem"))
    assert row_bytes(row) == 64 * (3 * 4 + 4 + 3 * 3)


@pytest.mark.parametrize("steps", [(2, 2, 2, 2), (1, 4, 2, 3)])
@pytest.mark.parametrize("part", [slice(0, 4), slice(1, 3)])
def test_raster_columns_give_back_every_pixel(steps, part):
    rng = np.random.default_rng(1)
    rows = [coded(make_row(rng, i, count, 8)) for i, count in enumerate(steps)]
    features = row_features(2 if len(set(steps)) == 1 else None, 8)
    parts = [rows_to_table(rows[:3], features), rows_to_table(rows[3:], features)]
    table = pa.concat_tables(parts).slice(part.start, part.stop - part.start)
    for name in ("insar_difference", "insar_coherence", "dem", "deformation_mask"):
        column = RasterColumn(table.column(name))
        assert len(column) == part.stop - part.start
        for place, row in enumerate(rows[part]):
            assert column[place].dtype == row[name].dtype
            np.testing.assert_array_equal(column[place], row[name])
        with pytest.raises(IndexError, match="no row"):
            column[len(column)]
    with pytest.raises(TypeError, match="no rasters"):
        RasterColumn(table.column("label"))


def test_raster_columns_of_a_stream(tmp_path):
    rng = np.random.default_rng(2)
    rows = [coded(make_row(rng, i, 3, 8)) for i in range(5)]
    dataset = Dataset(rows_to_table(rows, row_features(3, 8)))
    batches = dataset.to_iterable_dataset().with_format("arrow").iter(batch_size=2)
    read = [RasterColumn(t.column("dem"))[i] for t in batches for i in range(t.num_rows)]
    np.testing.assert_array_equal(np.stack(read), np.stack([row["dem"] for row in rows]))
