"""The card of an exported dataset, for people to read."""

from __future__ import annotations

from dataset_script.annotations.splits import SPLITS
from dataset_script.card.card_metadata import card_metadata
from dataset_script.card.summary import CITATION, FOLDER, TITLE, Summary
from dataset_script.channels import MASKS, select
from dataset_script.rows.features import MEANINGS, annotation_features, kind_of
from dataset_script.rows.recipe import Recipe

_SPLIT_MEANINGS = {
    "paper": ", by primary date: train to May 2019, validation to December 2019, test after.",
    "strict": ", by date as in the paper, without the interferograms that reach from one split's "
    "period into another's: no acquisition of a frame is in two splits.",
    "spatial": ", by frame: frames that share a volcano are in the same split.",
    "dates": ", by primary date: train {train}; validation {validation}; test {test}. What lies in "
    "none of these is left out.",
}
_CROP_MEANINGS = {
    "deformation": "The crop holds the whole deformation of all the row's steps where it fits, "
    "otherwise the most of it, and lies anywhere with little nodata if there is none.",
    "random": "The crop lies anywhere with little nodata, wherever the deformation is.",
    "center": "The crop is the middle of the frame.",
}


def build_card(summary: Summary) -> str:
    """Write the card.

    Args:
        summary: The finished export.

    Returns:
        The text of README.md.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dataset_script.card"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    recipe = summary.default
    configs = [
        {"name": r.name, "what": _what(r), "counts": summary.counts(r.name)}
        for r in summary.recipes
    ]
    return environment.get_template("dataset_card.md.j2").render(
        metadata=card_metadata(summary),
        title=TITLE,
        folder=FOLDER,
        summary=summary,
        recipe=recipe,
        configs=configs,
        empty=[split for split in SPLITS if split not in summary.splits],
        split_meaning=_SPLIT_MEANINGS[recipe.split].format(**_periods(recipe)),
        crop_meaning=_CROP_MEANINGS[recipe.crop],
        first_shape=tuple(recipe.features[recipe.channels[0]].shape),
        rasters=_rasters(recipe),
        annotations=[
            {"name": name, "meaning": MEANINGS[name], "kind": kind_of(feature)}
            for name, feature in annotation_features().items()
        ],
        atmosphere=summary.atmosphere_error(),
        citation=CITATION,
    )


def _periods(recipe: Recipe) -> dict[str, str]:
    """The periods of each split in words."""
    return {
        split: " and ".join(f"{first} to {last}" for first, last in stretches) or "has none"
        for split, stretches in recipe.periods.items()
    }


def _rasters(recipe: Recipe) -> list[dict[str, str]]:
    """One line of the table for each raster column."""
    lines = []
    side = {True: recipe.atmosphere_nodes, False: recipe.image_size}
    for channel in select(recipe.channels):
        coarse = channel.storage == "smooth" and recipe.atmosphere_nodes is not None
        shape = f"{side[coarse]}, {side[coarse]}"
        lines.append(
            {
                "name": channel.name,
                "meaning": channel.title,
                "unit": channel.unit,
                "dtype": channel.dtype,
                "shape": f"T, {shape}" if channel.per_step else shape,
                "mean": f"{channel.mean:.6g}",
                "std": f"{channel.std:.6g}",
            }
        )
    for mask in MASKS:
        shape = f"T, {recipe.image_size}, {recipe.image_size}"
        lines.append(
            {
                "name": mask,
                "meaning": MEANINGS[mask],
                "unit": "1",
                "dtype": "uint8",
                "shape": shape,
                "mean": "",
                "std": "",
            }
        )
    return lines


def _what(recipe: Recipe) -> str:
    if recipe.timeseries_length is None:
        return "all interferograms of a primary date, T varies"
    if recipe.timeseries_length == 1:
        return "one interferogram"
    return f"a time series of {recipe.timeseries_length} interferograms"
