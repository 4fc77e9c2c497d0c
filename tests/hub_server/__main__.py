"""The test Hub by hand: python -m tests.hub_server 8080."""

import contextlib
import sys
import tempfile
import threading

from tests.hub_server.server import TOKEN, USER, HubServer

port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
with tempfile.TemporaryDirectory() as storage, HubServer(port, xet=storage) as hub:
    print(f"HF_ENDPOINT={hub.url} HF_TOKEN={TOKEN}  (namespace {USER})", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
