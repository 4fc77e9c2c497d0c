"""A contact sheet: every channel of a sample at every step, with units and colour bars."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset_script.channels import CHANNEL_NAMES, MASKS
from dataset_script.labels import LABELS
from dataset_script.pictures.colours import colour_map, style_of
from dataset_script.rows.tables import Row
from dataset_script.safe_files import renamed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def contact_sheet(row: Row) -> Figure:
    """Draw a sample.

    Args:
        row: A row of the dataset.

    Returns:
        A figure: a column for each raster with its colour bar below, a line for each step; the
        deformation mask is outlined.
    """
    from matplotlib.figure import Figure

    names = [name for name in (*CHANNEL_NAMES, *MASKS) if name in row]
    mask = np.asarray(row["deformation_mask"])
    steps = len(mask)
    figure = Figure(figsize=(2.0 * len(names) + 0.6, 2.0 * steps + 1.5), layout="constrained")
    axes = figure.subplots(steps, len(names), squeeze=False)
    for column, name in zip(axes.T, names, strict=True):
        raster = np.asarray(row[name])
        planes = raster if raster.ndim == 3 else raster[None]
        _draw_column(figure, column, name, planes, mask)
    for step, axis in enumerate(axes[:, 0]):
        axis.set_ylabel(_step_title(row, step), fontsize=8)
    volcanoes = f" ({', '.join(row['volcanoes'][:3])})" if row["volcanoes"] else ""
    figure.suptitle(
        f"{row['frame_id']}{volcanoes}, primary date {row['primary_date']:%Y-%m-%d}", fontsize=10
    )
    return figure


def save_sheet(row: Row, path: Path) -> Path:
    """Write a sample's contact sheet as a PNG.

    Args:
        row: A row of the dataset.
        path: File to write.

    Raises:
        DataError: If it cannot be written.
    """
    figure = contact_sheet(row)
    with renamed(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
    return path


def file_name(row: Row, taken: Collection[str] = ()) -> str:
    """A file name for a sample's sheet.

    Args:
        row: A row of the dataset.
        taken: Names that other sheets have; the same sample may come from two datasets, and the
            ids of long series are cut short.
    """
    stem = str(row["sample_id"]).replace("/", "_")[:120]
    names = (f"{stem}.png", *(f"{stem}_{number}.png" for number in range(2, len(taken) + 2)))
    return next(name for name in names if name not in taken)


def _draw_column(
    figure: Figure, column: Sequence[Axes], name: str, planes: np.ndarray, mask: np.ndarray
) -> None:
    from matplotlib.ticker import MaxNLocator

    style = style_of(name)
    values = planes.astype(np.float32)
    if name == "insar_difference":
        values[planes == 0] = np.nan  # outside the swath
    low, high = style.limits(values)
    height, width = mask.shape[1:]
    for step, axis in enumerate(column):
        axis.set_xticks([])
        axis.set_yticks([])
        if step >= len(planes):
            axis.axis("off")
            continue
        image = axis.imshow(
            values[step],
            cmap=colour_map(style.colour_map),
            vmin=low,
            vmax=high,
            interpolation="nearest",
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )
        # A raster of no step shows where any step deforms.
        deforms = (mask[step] if len(planes) == len(mask) else mask.any(axis=0)) > 0
        if deforms.any() and name not in MASKS:
            axis.contour(deforms, [0.5], colors="black", linewidths=0.7)
    column[0].set_title(style.title.replace(", ", ",\n").replace(" of ", "\nof "), fontsize=8)
    bar = figure.colorbar(image, ax=list(column), location="bottom", shrink=0.9, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    if style.classes:
        bar.set_ticks(list(range(len(style.classes))), labels=list(style.classes))
    elif name == "insar_difference":
        bar.set_ticks([-np.pi, 0, np.pi], labels=["-π", "0", "π"])
    else:
        bar.set_ticks(MaxNLocator(4, integer=name in MASKS))
    bar.set_label(style.unit, fontsize=8)


def _step_title(row: Row, step: int) -> str:
    days = (row["secondary_dates"][step] - row["primary_date"]).days
    labels = [
        LABELS[label] if isinstance(label, int | np.integer) else str(label)
        for label in row["labels"][step]
    ]
    said = ", ".join(labels).replace("_", " ")
    return f"{row['secondary_dates'][step]:%Y-%m-%d} (+{days} days)\n{said}"
