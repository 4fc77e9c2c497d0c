"""The figure of a prediction: phase of each step, coherence, probability, and the mask."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from cmcrameri import cm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from rasterio.crs import CRS

from dataset_script.channels import FRINGE_CM
from dataset_script.pictures.relief import hillshade
from hub.inference.prediction import Prediction
from hub.inference.resampling import on_training_pixels
from hub.scenes.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

MAX_SIDE = 900
"""Pixels of a panel's longer side that are drawn; a whole frame has three times as many."""

_ABSENT = "0.85"


def draw_prediction(prediction: Prediction) -> Figure:
    """Draw a prediction.

    Args:
        prediction: What to draw.

    Returns:
        A figure of the steps' wrapped phase, the mean coherence, and, for a segmentation, the
        probability and the outlined mask over the shaded relief (over the phase where the
        elevation is unknown). For a classification the most probable window is framed. Titles
        name the dates; the caption has the warnings.
    """
    scene = prediction.scene
    stride = math.ceil(max(scene.height, scene.width) / MAX_SIDE)
    panels: list[tuple[str, Any]] = [("phase", step) for step in range(scene.steps)]
    if scene.insar_coherence is not None:
        panels.append(("coherence", None))
    if prediction.mask is not None:
        panels += [("probability", None), ("mask", None)]
    columns = min(len(panels), 2 if len(panels) in (2, 4) else 3)
    rows = math.ceil(len(panels) / columns)
    caption = "\n".join(
        line
        for warning in prediction.all_warnings
        for line in textwrap.wrap(f"Note: {warning}.", 48 * columns)
    )
    aspect = scene.height / scene.width
    height = rows * (3.6 * min(max(aspect, 0.5), 1.6) + 0.5) + 0.9 + 0.2 * caption.count("\n")
    figure = Figure(figsize=(4.6 * columns, height), layout="constrained")
    figure.suptitle(_title(prediction, columns), fontsize=11)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax, (kind, step) in zip(axes, panels, strict=False):
        if kind == "phase":
            image = draw_phase(ax, scene, step, stride)
            if prediction.mask is None:
                _mark_window(ax, prediction)
            bar = figure.colorbar(image, ax=ax, shrink=0.85, ticks=[-np.pi, 0, np.pi])
            bar.ax.set_yticklabels(["−π", "0", "π"])
            bar.set_label(f"rad; one fringe is {FRINGE_CM:.1f} cm")
        elif kind == "coherence":
            assert scene.insar_coherence is not None
            # A mean over steps of what is drawn alone: a frame's float copy is large.
            mean = scene.insar_coherence[:, ::stride, ::stride].mean(axis=0) / 255
            image = _show(ax, scene, mean, stride, cmap=cm.grayC, vmin=0, vmax=1)
            _entitle(ax, "coherence" + (", mean of the steps" if scene.steps > 1 else ""))
            figure.colorbar(image, ax=ax, shrink=0.85)
        elif kind == "probability":
            assert prediction.probability is not None
            drawn = prediction.probability[::stride, ::stride]
            image = _show(ax, scene, drawn, stride, cmap=cm.batlow, vmin=0, vmax=1)
            _entitle(ax, "probability of deformation")
            figure.colorbar(image, ax=ax, shrink=0.85)
        else:
            _draw_mask(ax, prediction, stride)
    if caption:
        figure.supxlabel(caption, fontsize=8, x=0.01, ha="left")
    return figure


def draw_phase(ax: Axes, scene: Scene, step: int, stride: int = 1) -> AxesImage:
    """Draw the wrapped phase of one step with cyclic colours.

    Args:
        ax: Where to draw.
        scene: The scene.
        step: Which of its steps.
        stride: Every how many pixels are drawn.

    Returns:
        The image, for a colour bar.
    """
    phase = np.where(scene.absent(step), np.nan, scene.insar_difference[step])
    image = _show(
        ax, scene, phase[::stride, ::stride], stride, cmap=cm.romaO, vmin=-np.pi, vmax=np.pi
    )
    _entitle(ax, ", ".join(filter(None, ("wrapped phase", step_title(scene, step)))))
    return image


def step_title(scene: Scene, step: int) -> str:
    """The dates of a step; where they are unknown its number, if there are several."""
    if scene.primary_date and step < len(scene.secondary_dates):
        return f"{scene.primary_date} to {scene.secondary_dates[step]}"
    return f"step {step + 1}" if scene.steps > 1 else ""


def _draw_mask(ax: Axes, prediction: Prediction, stride: int) -> None:
    scene, mask = prediction.scene, prediction.mask
    assert mask is not None
    if scene.dem is not None and np.isfinite(scene.dem).any():
        relief = hillshade(scene.dem[::stride, ::stride], pixel_metres=100, exaggeration=5)
        relief[scene.nodata[::stride, ::stride]] = np.nan
        _show(ax, scene, relief, stride, cmap="gray", vmin=-0.3, vmax=1)
        ground = "relief"
    else:
        draw_phase(ax, scene, scene.steps - 1, stride)
        ground = "phase"
    _outline(ax, scene, mask[::stride, ::stride], stride, "#d81b60", "solid")
    title = f"mask at {prediction.threshold:.2f} over {ground}"
    if scene.reference is not None:
        _outline(ax, scene, scene.reference[::stride, ::stride], stride, "#1e88e5", "dashed")
        title += "; reference dashed"
    _entitle(ax, title)


def _mark_window(ax: Axes, prediction: Prediction) -> None:
    """Frame the window that a classification's probability is of, where it is on this grid."""
    scene, facts = prediction.scene, prediction.facts
    if max(scene.height, scene.width) <= facts.image_size:
        return
    if not on_training_pixels(scene, facts.pixel_size):
        return
    side = facts.image_size * (facts.pixel_size if scene.georeferenced else 1)
    corner = [middle - side / 2 for middle in prediction.place]
    frame = Rectangle((corner[0], corner[1]), side, side, fill=False, edgecolor="#d81b60")
    frame.set_path_effects([withStroke(linewidth=3, foreground="white")])
    ax.add_patch(frame)


def _entitle(ax: Axes, title: str) -> None:
    ax.set_title(title, fontsize=10)


def _outline(
    ax: Axes, scene: Scene, mask: np.ndarray, stride: int, colour: str, style: str
) -> None:
    if not mask.any() or mask.all() or min(mask.shape) < 2:
        return
    left, right, bottom, top = _extent(scene)
    x = np.linspace(left, right, mask.shape[1] * 2 + 1)[1::2]
    y = np.linspace(top, bottom, mask.shape[0] * 2 + 1)[1::2]
    ax.contourf(x, y, mask, levels=[0.5, 1], colors=[colour], alpha=0.25 * (style == "solid"))
    lines = ax.contour(x, y, mask, levels=[0.5], colors=[colour], linestyles=[style])
    lines.set_path_effects([withStroke(linewidth=3, foreground="white")])


def _show(ax: Axes, scene: Scene, values: np.ndarray, stride: int, **style: Any) -> AxesImage:
    absent = scene.nodata[::stride, ::stride]
    ax.set_facecolor(_ABSENT)
    shown = np.ma.masked_where(absent | ~np.isfinite(values), values)
    image = ax.imshow(shown, extent=_extent(scene), interpolation="nearest", **style)
    ax.tick_params(labelsize=7)
    ax.ticklabel_format(useOffset=False)
    ax.locator_params(nbins=4)
    if _upright(scene) and scene.crs and CRS.from_user_input(scene.crs).is_geographic:
        ax.set_aspect(1 / math.cos(math.radians(sum(_extent(scene)[2:]) / 2)))
    return image


def _upright(scene: Scene) -> bool:
    """Whether the axes can be the CRS's own: rows and columns run along them."""
    return scene.transform is not None and not (scene.transform.b or scene.transform.d)


def _extent(scene: Scene) -> tuple[float, float, float, float]:
    """Left, right, bottom, top in the scene's CRS, or in pixels where that cannot be drawn."""
    if not _upright(scene):
        return 0, scene.width, scene.height, 0
    left, top = scene.place(0, 0)
    right, bottom = scene.place(scene.width, scene.height)
    return left, right, bottom, top


def _title(prediction: Prediction, columns: int) -> str:
    lines = textwrap.wrap(prediction.verdict.text, 32 * columns)
    models = [prediction, *([prediction.second] if prediction.second else [])]
    named = " and ".join(f"{item.model} ({item.revision[:8]})" for item in models)
    area = prediction.area_km2
    size = "" if area is None else f", mask of {area:.1f} km²"
    return "\n".join([f"{prediction.scene.name}{size}", *lines, f"{named}; research, not an alert"])
