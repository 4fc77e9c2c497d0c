"""What the picture is made of, served while a scene or an answer is kept: layers and values.

view/TOKEN/LAYER.png?step=&top=&left=&bottom=&right=&threshold=      a layer of a window
view/TOKEN/values?step=&top=&left=&bottom=&right=                    numbers of a window
view/TOKEN/pixel?row=&column=&reference_row=&reference_column=       all that a pixel has
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hub.scenes.scene import Scene
from page.answers.analysis import Answer
from page.answers.kept import Kept
from page.answers.pixels import at_pixel, default_reference
from page.errors import PageError
from page.view import images
from page.view.picture import layers_of, pixel_metres

Window = tuple[slice, slice]
MOST_VALUES = 400
"""Rows and columns of numbers that are sent at most."""

_ABSENT = -32768


def _phase(scene: Scene, answer: Answer | None, step: int, at: Window) -> bytes:
    hidden = scene.nodata[at] | (scene.insar_difference[step][at] == 0)
    return images.phase(scene.insar_difference[step][at], hidden)


def _probability(scene: Scene, answer: Answer | None, step: int, at: Window) -> bytes:
    assert answer is not None and answer.probability is not None
    return images.probability(answer.probability[at], scene.nodata[at])


def _coherence(scene: Scene, answer: Answer | None, step: int, at: Window) -> bytes:
    assert scene.insar_coherence is not None
    return images.coherence(scene.insar_coherence[step][at], scene.nodata[at])


def _phase_over_relief(scene: Scene, answer: Answer | None, step: int, at: Window) -> bytes:
    assert scene.dem is not None
    phase, metres = scene.insar_difference[step][at], pixel_metres(scene)
    return images.phase_over_terrain(phase, scene.dem[at], scene.nodata[at], metres)


def _relief(scene: Scene, answer: Answer | None, step: int, at: Window) -> bytes:
    assert scene.dem is not None
    nothing = np.ones_like(scene.nodata[at])
    return images.phase_over_terrain(scene.dem[at] * 0, scene.dem[at], nothing, pixel_metres(scene))


_LAYERS: dict[str, Callable[[Scene, Answer | None, int, Window], bytes]] = {
    "phase": _phase,
    "probability": _probability,
    "coherence": _coherence,
    "phase_over_relief": _phase_over_relief,
    "relief": _relief,
}


def layer(scene: Scene, answer: Answer | None, name: str, query: Mapping[str, str]) -> bytes:
    """One layer as PNG.

    Args:
        scene: The scene.
        answer: Its answer, if there is one.
        name: One of `layers_of`, or "outline" for the mask's.
        query: Step, window and threshold of the address.

    Raises:
        PageError: If there is no such layer, step or window.
    """
    step, at = _step(scene, query), _window(scene, query)
    if name == "outline" and answer is not None and answer.segmentation is not None:
        if "threshold" in query:
            answer = answer.at(fraction(query["threshold"]))
        assert answer.segmentation and answer.segmentation.mask is not None
        known = None if scene.reference is None else scene.reference[at]
        return images.outline(answer.segmentation.mask[at], known)
    if name in layers_of(scene, answer):
        return _LAYERS[name](scene, answer, step, at)
    raise PageError(f"There is no layer “{name[:40]}”.")


def values(scene: Scene, answer: Answer | None, query: Mapping[str, str]) -> bytes:
    """Numbers of a window, thinned out to at most `MOST_VALUES` a side.

    Returns:
        Little-endian: rows, columns and stride as int32, then four planes of int16, row by row:
        phase in thousandths of a radian, coherence in thousandths, probability in ten-thousandths,
        elevation in metres; -32768 is none.
    """
    step, (rows, columns) = _step(scene, query), _window(scene, query)
    stride = -(-max(rows.stop - rows.start, columns.stop - columns.start) // MOST_VALUES)
    at = slice(rows.start, rows.stop, stride), slice(columns.start, columns.stop, stride)
    hidden = scene.nodata[at]
    probability = None if answer is None else answer.probability
    coherence = scene.insar_coherence
    planes = [
        _thousandths(scene.insar_difference[step][at], 1000, hidden),
        _thousandths(None if coherence is None else coherence[step][at], 1000 / 255, hidden),
        _thousandths(None if probability is None else probability[at], 10_000, hidden),
        _thousandths(None if scene.dem is None else scene.dem[at], 1, None),
    ]
    shape = np.array([*hidden.shape, stride], "<i4")
    empty = np.full(hidden.shape, _ABSENT, "<i2")
    return shape.tobytes() + b"".join(
        (empty if plane is None else plane).tobytes() for plane in planes
    )


def _thousandths(
    raster: np.ndarray | None, scale: float, hidden: np.ndarray | None
) -> np.ndarray | None:
    if raster is None:
        return None
    scaled = raster.astype(np.float32) * scale
    absent = ~np.isfinite(scaled) if hidden is None else ~np.isfinite(scaled) | hidden
    return np.where(absent, _ABSENT, np.nan_to_num(scaled).round().clip(-32767, 32767)).astype(
        "<i2"
    )


def pixel(scene: Scene, answer: Answer | None, query: Mapping[str, str]) -> dict:
    """See `at_pixel`; without a reference point in the address, a fitting one is taken."""
    chosen = _number(query, "row", 0), _number(query, "column", 0)
    if "reference_row" in query:
        still = _number(query, "reference_row", 0), _number(query, "reference_column", 0)
    else:
        still = default_reference(scene, answer)
    return at_pixel(scene, answer, chosen, still)


def fraction(text: str) -> float:
    """A threshold in an address.

    Raises:
        PageError: If it is not between 0 and 1.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise PageError("The threshold is a number between 0 and 1.")
    return value


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name, str(otherwise))
    if not text.removeprefix("-").isdecimal() or len(text) > 9:
        raise PageError(f"{name} is {text[:20]!r}; it is a whole number.")
    return int(text)


def _step(scene: Scene, query: Mapping[str, str]) -> int:
    step = _number(query, "step", scene.steps - 1)
    if not 0 <= step < scene.steps:
        raise PageError(f"There is no step {step}; the scene has {scene.steps}.")
    return step


def _window(scene: Scene, query: Mapping[str, str]) -> Window:
    top, left = (max(_number(query, name, 0), 0) for name in ("top", "left"))
    bottom = min(_number(query, "bottom", scene.height), scene.height)
    right = min(_number(query, "right", scene.width), scene.width)
    if top >= bottom or left >= right:
        raise PageError("The window holds no pixel of the scene.")
    return slice(top, bottom), slice(left, right)


@cache
def _plotly() -> bytes:
    """The library that draws, from its Python package: the page works without the internet."""
    return files("plotly").joinpath("package_data/plotly.min.js").read_bytes()


def routes(kept: Kept) -> list[Route]:
    """The addresses; see the module."""

    def make(token: str, what: str, query: Mapping[str, str]) -> Response:
        scene, answer = kept.look(token)
        if what == "pixel":
            return JSONResponse(pixel(scene, answer, query))
        if what == "values":
            return Response(values(scene, answer, query), media_type="application/octet-stream")
        return Response(
            layer(scene, answer, what.removesuffix(".png"), query), media_type="image/png"
        )

    async def serve(request: Request) -> Response:
        try:
            answer = await run_in_threadpool(
                make,
                request.path_params["token"],
                request.path_params["what"],
                request.query_params,
            )
        except PageError as error:
            return PlainTextResponse(str(error), 404)
        answer.headers["Cache-Control"] = "private, max-age=600"
        return answer

    async def plotly(request: Request) -> Response:
        code = await run_in_threadpool(_plotly)
        headers = {"Cache-Control": "public, max-age=86400"}
        return Response(code, media_type="text/javascript", headers=headers)

    return [Route("/view/{token}/{what}", serve), Route("/plotly.min.js", plotly)]
