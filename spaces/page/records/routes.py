"""The addresses under which records are shown.

record/index                                    what can be chosen, HTML
record/history?record=0&of=volcano-221080       bars and table of a volcano or a frame, JSON
record/pair?record=0&of=…&scene=…               one pair, HTML
record/picture?record=0&scene=…&kind=…          phase, probability or outline, PNG
record/file?record=0&scene=…&kind=…             a download
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dataset_script.errors import HephaestusError
from page.answers.downloads import TYPES
from page.errors import PageError
from page.records.files import download, picture
from page.records.kept_record import KeptRecord
from page.records.pair import pair
from page.records.timeline import index, timeline

_LOG = logging.getLogger(__name__)

DAMAGED = "The record cannot be read at the moment; its operator’s log says why."
"""What a visitor reads in place of a message that names a file of this server."""

Query = Mapping[str, str]


def routes(records: Sequence[KeptRecord]) -> list[Route]:
    """The addresses; see the module. None where the operator named no record."""

    def chosen(query: Query) -> tuple[int, KeptRecord]:
        text = query.get("record", "")
        if not text.isdecimal() or len(text) > 4 or int(text) >= len(records):
            raise PageError("There is no such record.")
        return int(text), records[int(text)]

    def show_index(query: Query) -> Response:
        return HTMLResponse(index(records))

    def show_history(query: Query) -> Response:
        _, record = chosen(query)
        return JSONResponse(timeline(record.history(query.get("of", ""))))

    def show_pair(query: Query) -> Response:
        number, record = chosen(query)
        history = record.history(query.get("of", ""))
        return HTMLResponse(pair(number, record, history, query.get("scene", "")))

    def show_picture(query: Query) -> Response:
        _, record = chosen(query)
        row = record.standing(query.get("scene", ""))
        content = picture(record.folder, row, query.get("kind", ""))
        return Response(content, media_type="image/png")

    def show_file(query: Query) -> Response:
        _, record = chosen(query)
        row = record.standing(query.get("scene", ""))
        name, content = download(record.folder, row, query.get("kind", ""))
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, media_type=TYPES[Path(name).suffix], headers=headers)

    each = {
        "index": show_index,
        "history": show_history,
        "pair": show_pair,
        "picture": show_picture,
        "file": show_file,
    }
    return [Route(f"/record/{name}", _served(make)) for name, make in each.items() if records]


def _served(make: Callable[[Query], Response]) -> Callable:
    async def serve(request: Request) -> Response:
        try:
            answer = await run_in_threadpool(make, request.query_params)
        except PageError as error:
            return PlainTextResponse(str(error), 404)
        except (HephaestusError, OSError) as error:
            _LOG.warning("a record cannot be read: %s", error)
            return PlainTextResponse(DAMAGED, 503)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return serve
