"""The dataset as the page reads it."""

import dataclasses

import pytest
from datasets import Dataset
from page.errors import PageError
from page.inputs.catalogue import Catalogue


def test_catalogue_reads_annotations_without_rasters_and_rows_by_id(settings):
    catalogue = Catalogue(settings)
    assert len(catalogue.entries) == 18
    row = catalogue.row("frame1/20200202/00001")
    assert row["insar_difference"].shape == (3, 64, 64)
    with pytest.raises(PageError, match="no sample"):
        catalogue.row("' or 1=1")


def test_a_dataset_that_is_not_there_is_told(settings, tmp_path):
    for changes in ({"dataset": str(tmp_path / "nowhere")}, {"config": "ts9"}):
        with pytest.raises(PageError, match="cannot be opened"):
            _ = Catalogue(dataclasses.replace(settings, **changes)).entries


def test_a_dataset_without_what_the_page_shows_is_told(settings, tmp_path):
    Dataset.from_dict({"sample_id": ["a"], "frame_id": ["f"]}).to_parquet(tmp_path / "a.parquet")
    changes = {"dataset": str(tmp_path), "config": "default"}
    with pytest.raises(PageError, match=r"lacks volcanoes, .* such as ts3"):
        _ = Catalogue(dataclasses.replace(settings, **changes)).entries


@pytest.mark.parametrize(("tags", "simulated"), [(["synthetic"], True), (["InSAR"], False)])
def test_a_datasets_card_says_whether_it_is_simulated(settings, tmp_path, tags, simulated):
    (tmp_path / "README.md").write_text(f"---\ntags: {tags}\n---\n# Rows\n")
    chosen = dataclasses.replace(settings, dataset=str(tmp_path))
    assert Catalogue(chosen).simulated is simulated
    assert not Catalogue(settings).simulated
