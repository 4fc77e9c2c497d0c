"""A Hub-compatible server on loopback, so that unmodified client libraries can be tested.

It answers what huggingface_hub, datasets, evaluate, timm and transformers ask of a Hub: create,
preupload, LFS, commit, branches, tags, tree, paths-info, resolve with Range, whoami, validation of
a card's metadata. It counts what it serves and receives, and fails on demand.

    with HubServer() as server:
        server.faults.append(Fault(r"/lfs/", method="PUT", reset_after=1000))

By hand: python -m tests.hub_server 8080
"""

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from tests.hub_server.api import HubApi
from tests.hub_server.transfers import Refusal
from tests.hub_server.xet import XetStore

TOKEN = "hf_test_token"
USER = "NS"


@dataclass
class Fault:
    """What goes wrong for requests whose path matches.

    Attributes:
        pattern: Regular expression searched in the path.
        method: Only this method, if given.
        times: How many requests it strikes; `skip` matching ones pass before.
        status: Answer with this status and `headers`.
        reset_after: Break the connection once so many bytes of the body have come.
        lose_answer: Do what was asked, then break the connection.
        delay: Wait so many seconds first.
        call: Called at the moment of the reset, to kill a client for instance.
    """

    pattern: str
    method: str | None = None
    times: float = 1
    skip: int = 0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    reset_after: int | None = None
    lose_answer: bool = False
    delay: float = 0.0
    call: Callable[[], None] | None = None

    def strikes(self, method, path):
        if self.method not in (None, method) or not re.search(self.pattern, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass(frozen=True)
class Call:
    """One request as it was answered."""

    method: str
    path: str
    status: int
    range: str | None
    received: int
    served: int


class HubServer(HubApi):
    """The server; a context manager that runs it in a thread.

    Args:
        port: TCP port; any free one by default.
        xet: Folder for Xet storage; without it clients must be on the LFS path.
    """

    def __init__(self, port=0, xet=None):
        self._socket = socket.create_server(("127.0.0.1", port))
        url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        super().__init__(url, {TOKEN: USER}, XetStore(xet) if xet else None)
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        config = uvicorn.Config(self, log_level="error", lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._socket.close()

    def repo(self, name, kind="models"):
        return self.repos[kind, name]

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        path = scope["raw_path"].decode()
        request.state.received = 0
        try:
            fault = await self._maybe_fail(request, path)
            response = await self.route(request, [unquote(part) for part in path.split("/")[1:]])
            if fault and fault.lose_answer:
                self._hang_up(request)
        except Refusal as refusal:
            await self._drain(request)
            response = JSONResponse(refusal.extra, refusal.status, refusal.headers)
        except (ConnectionResetError, ClientDisconnect):
            self._note(request, path, 0, 0)
            return
        body = b"" if request.method == "HEAD" else response.body
        self._note(request, path, response.status_code, len(body))
        if request.method == "HEAD":
            length = response.headers["content-length"]
            response = Response(None, response.status_code, dict(response.headers))
            response.headers["content-length"] = length
        await response(scope, receive, send)

    def _note(self, request, path, status, served):
        received = request.state.received
        span = request.headers.get("range")
        self.calls.append(Call(request.method, path, status, span, received, served))

    async def _maybe_fail(self, request, path):
        for fault in self.faults:
            if not fault.strikes(request.method, path):
                continue
            await asyncio.sleep(fault.delay)
            if fault.reset_after is not None:
                await self.read(request, fault.reset_after)
                if fault.call:
                    fault.call()
                self._hang_up(request)
            if fault.status is not None:
                refusal = Refusal(fault.status, f"fault {fault.status} on demand")
                refusal.headers |= fault.headers
                raise refusal
            return fault
        return None

    def _hang_up(self, request):
        request._receive.__self__.transport.abort()  # uvicorn's own object: ASGI has no such verb
        raise ConnectionResetError

    async def _drain(self, request):
        with contextlib.suppress(RuntimeError, ClientDisconnect):  # read already, or gone
            await self.read(request)
