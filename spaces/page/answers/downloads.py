"""A result's files: written when a link is followed, and deleted once sent."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dataset_script.errors import HephaestusError
from hub.inference.outputs import save_prediction
from page.answers.analysis import Answer
from page.answers.cache import ExpiringCache
from page.errors import PageError

NAMES = {
    "mask": "Mask, GeoTIFF",
    "probability": "Probability, GeoTIFF",
    "geojson": "Mask, GeoJSON",
    "kmz": "Google Earth, KMZ",
    "csv": "Summary, CSV",
    "json": "Summary, JSON",
    "figure": "Figure, PNG",
}
"""What can be downloaded, by the kinds of `save_prediction`."""

TYPES = {
    ".tif": "image/tiff",
    ".geojson": "application/geo+json",
    ".csv": "text/csv",
    ".json": "application/json",
    ".png": "image/png",
    ".kmz": "application/vnd.google-earth.kmz",
}
"""Media types of files by their endings."""


def available(answer: Answer) -> dict[str, str]:
    """Those of `NAMES` that a result has: a classifier alone draws no mask."""
    drawn = answer.segmentation is not None and answer.segmentation.mask is not None
    missing = set() if drawn else {"mask", "probability", "geojson", "kmz"}
    if not answer.scene.georeferenced:
        missing |= {"geojson", "kmz"}
    return {kind: title for kind, title in NAMES.items() if kind not in missing}


def render(answer: Answer, kind: str) -> tuple[str, bytes]:
    """Make one file of a result.

    Args:
        answer: The result.
        kind: One of `NAMES`.

    Returns:
        Its name and its content.

    Raises:
        PageError: If the result has no such file, as a classifier alone has no mask.
    """
    with tempfile.TemporaryDirectory(prefix="hephaestus-result-") as folder:
        written = save_prediction(answer.prediction, Path(folder), kinds=(kind,))
        if kind in written:
            return written[kind].name, written[kind].read_bytes()
    raise PageError(f"This result has no {NAMES[kind]}: there is no mask, or no georeference.")


def routes(answers: ExpiringCache[Answer]) -> list[Route]:
    """The address under which results are served: `result/TOKEN/KIND?threshold=0.5`."""
    # Two at a time: each may hold a frame and a figure in memory.
    slots = threading.Semaphore(2)

    def make(token: str, kind: str, threshold: str | None) -> tuple[str, bytes]:
        answer = answers.get(token)
        if threshold is not None:
            answer = answer.at(float(threshold))
        with slots:
            return render(answer, kind)

    async def serve(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in NAMES:
            return PlainTextResponse("There is no such file.", 404)
        threshold = request.query_params.get("threshold")
        if threshold is not None and not _is_fraction(threshold):
            return PlainTextResponse("The threshold is a number between 0 and 1.", 400)
        try:
            name, content = await run_in_threadpool(
                make, request.path_params["token"], kind, threshold
            )
        except HephaestusError as error:
            return PlainTextResponse(str(error), 404)
        headers = {
            # RFC 5987: a header is Latin-1, a scene may be named in any script.
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Cache-Control": "no-store",
        }
        return Response(content, media_type=TYPES[Path(name).suffix], headers=headers)

    return [Route("/result/{token}/{kind}", serve)]


def _is_fraction(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
