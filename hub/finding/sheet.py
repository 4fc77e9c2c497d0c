"""A contact sheet of what a sentence found."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset_script.safe_files import renamed
from hub.finding.finding import Found

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 5


def draw_found(found: Found) -> Figure:
    """Wrapped phase of each hit, the nearest first, with its caption.

    Args:
        found: What a sentence found.
    """
    from cmcrameri import cm
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(found.hits))
    lines = math.ceil(len(found.hits) / columns)
    figure = Figure(figsize=(2.6 * columns + 0.7, 3.5 * lines + 0.5), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat[len(found.hits) :]:
        axes.axis("off")
    for number, (axes, hit) in enumerate(zip(grid.flat, found.hits, strict=False), 1):
        phase = axes.imshow(hit.phase, cmap=cm.romaO, vmin=-np.pi, vmax=np.pi)
        primary, *_, last = hit.dates
        axes.set_title(f"{number}. {hit.score:.2f}  {hit.frame}\n{primary} to {last}", fontsize=7)
        axes.set_xlabel(textwrap.fill(hit.caption, 46, max_lines=6), fontsize=6)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    bar = figure.colorbar(phase, ax=grid.ravel().tolist(), shrink=0.6, pad=0.01)
    bar.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
    bar.set_label("wrapped phase (rad)", fontsize=7)
    figure.suptitle(f"“{found.sentence}”, {len(found.hits)} of {found.searched}", fontsize=9)
    return figure


def save_found(found: Found, path: Path) -> Path:
    """Write the contact sheet as a PNG; the file is replaced whole.

    Raises:
        DataError: If it cannot be written.
    """
    figure = draw_found(found)
    with renamed(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    return path
