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
    from matplotlib.colorbar import Colorbar
    from matplotlib.image import AxesImage

MAX_SIDE = 900
"""Pixels of a panel's longer side that are drawn; a whole frame has three times as many."""

_ABSENT = "0.85"
_MARGIN, _PANEL = 0.12, 3.3
"""Inches: the figure's edge, and a panel's width."""
_ROOM = 0.55, 0.75, 0.3, 0.35
"""Inches left, right, above and below a panel: tick labels, the colour bar, the title."""
_TITLE_LINE, _CAPTION_LINE = 11 * 1.2 / 72, 8 * 1.25 / 72
"""Inches of a line of text."""


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
    caption = [
        line
        for warning in prediction.all_warnings
        for line in textwrap.wrap(f"Note: {warning}.", 48 * columns)
    ]
    title = _title(prediction, columns)
    figure, axes = _lay_out(len(panels), columns, _aspect(scene), len(title), len(caption))
    edge, top = _MARGIN / figure.get_figwidth(), 1 - _MARGIN / figure.get_figheight()
    figure.suptitle("\n".join(title), y=top, va="top", fontsize=11, linespacing=1.2)
    for ax, (kind, step) in zip(axes, panels, strict=True):
        if kind == "phase":
            image = draw_phase(ax, scene, step, stride)
            if prediction.mask is None:
                _mark_window(ax, prediction)
            bar = _colour_bar(ax, image, ticks=[-np.pi, 0, np.pi])
            bar.ax.set_yticklabels(["−π", "0", "π"])
            bar.set_label(f"rad; one fringe is {FRINGE_CM:.1f} cm")
        elif kind == "coherence":
            assert scene.insar_coherence is not None
            # A mean over steps of what is drawn alone: a frame's float copy is large.
            mean = scene.insar_coherence[:, ::stride, ::stride].mean(axis=0) / 255
            image = _show(ax, scene, mean, stride, cmap=cm.grayC, vmin=0, vmax=1)
            _entitle(ax, "coherence" + (", mean of the steps" if scene.steps > 1 else ""))
            _colour_bar(ax, image)
        elif kind == "probability":
            assert prediction.probability is not None
            drawn = prediction.probability[::stride, ::stride]
            image = _show(ax, scene, drawn, stride, cmap=cm.batlow, vmin=0, vmax=1)
            _entitle(ax, "probability of deformation")
            _colour_bar(ax, image)
        else:
            _draw_mask(ax, prediction, stride)
    if caption:
        bottom = _MARGIN / figure.get_figheight()
        figure.text(edge, bottom, "\n".join(caption), fontsize=8, va="bottom", linespacing=1.2)
    return figure


def _lay_out(
    count: int, columns: int, aspect: float, above: int, below: int
) -> tuple[Figure, list[Axes]]:
    """A figure with room for so many panels, and for lines of text above and below them.

    Matplotlib's own layout draws every text twice, which takes longer than a small scene's answer.
    """
    rows = math.ceil(count / columns)
    head, foot = _MARGIN * 1.5 + above * _TITLE_LINE, _MARGIN + below * _CAPTION_LINE
    left, right, upper, lower = _ROOM
    tall = _PANEL * min(max(aspect, 0.5), 1.6)
    width = columns * (left + _PANEL + right)
    height = head + rows * (upper + tall + lower) + foot
    figure = Figure(figsize=(width, height))
    axes = []
    for number in range(count):
        row, column = divmod(number, columns)
        x = column * (left + _PANEL + right) + left
        y = height - head - row * (upper + tall + lower) - upper - tall
        axes.append(figure.add_axes((x / width, y / height, _PANEL / width, tall / height)))
    return figure, axes


def _colour_bar(ax: Axes, image: AxesImage, **style: Any) -> Colorbar:
    beside = ax.inset_axes((1.03, 0.08, 0.04, 0.84))
    bar = ax.get_figure().colorbar(image, cax=beside, **style)  # type: ignore[union-attr]
    bar.ax.tick_params(labelsize=8)
    return bar


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
    # Told its place, matplotlib does not measure all that it may have to stand above.
    ax.set_title(title, fontsize=10, y=1.0)


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
    ax.set_aspect(_stretch(scene))
    return image


def _stretch(scene: Scene) -> float:
    """Length of a unit along the y axis against one along the x axis, on the ground."""
    if _upright(scene) and scene.crs and CRS.from_user_input(scene.crs).is_geographic:
        return 1 / math.cos(math.radians(sum(_extent(scene)[2:]) / 2))
    return 1.0


def _aspect(scene: Scene) -> float:
    """Height of a panel's picture against its width."""
    left, right, bottom, top = _extent(scene)
    return abs((top - bottom) / (right - left)) * _stretch(scene)


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


def _title(prediction: Prediction, columns: int) -> list[str]:
    lines = textwrap.wrap(prediction.verdict.text, 32 * columns)
    models = [prediction, *([prediction.second] if prediction.second else [])]
    named = " and ".join(f"{item.model} ({item.revision[:8]})" for item in models)
    area = prediction.area_km2
    size = "" if area is None else f", mask of {area:.1f} km²"
    return [f"{prediction.scene.name}{size}", *lines, f"{named}; research, not an alert"]
