"""Serve the page: `python spaces/app.py`, on GRADIO_SERVER_PORT (7860).

HEPHAESTUS_MODEL            segmentation model: a folder, or NAMESPACE/NAME[@REVISION] on the Hub
HEPHAESTUS_CLASSIFIER       classifier: the same forms
HEPHAESTUS_DATASET          dataset folder or repository for the examples and for browsing
HEPHAESTUS_DATASET_CONFIG   its configuration (ts3)
HEPHAESTUS_EXAMPLES         folder of real interferograms, shown first (inputs/own_examples.py)
HEPHAESTUS_RECORD           output folder of `python -m hub watch`, whose timeline is shown;
                            several are separated by ":"
HEPHAESTUS_MODEL_ROOTS      folders whose models visitors may choose, separated by ":"
HEPHAESTUS_JOBS             analyses that run at once (2)
HEPHAESTUS_MEMORY_MB        memory for visitors' scenes and results (1024)
HEPHAESTUS_UPLOAD_MB        most that one upload may hold (1024)

Without HEPHAESTUS_MODEL the page has the model that comes with the project; without
HEPHAESTUS_DATASET the dataset of `make demo`, if it is there. In a checkout, the rooms
`dataset_script`, `training` and `hub` are one folder up; in the Space's own repository,
`python -m hub push-space` puts them beside this file. `page` is beside this file in both.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))
if find_spec("hub") is None:
    sys.path.append(str(HERE.parent))

import page.gpu  # noqa: E402, F401 - before torch
from page.settings import Settings  # noqa: E402

from dataset_script.errors import readable_errors  # noqa: E402


def main() -> None:
    """Build the page and serve it until it is stopped."""
    with readable_errors():
        settings = Settings.from_environment()
    # A stopped container sends SIGTERM, which would leave the folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Uploads pass through a folder of this process alone, deleted when it ends.
    with tempfile.TemporaryDirectory(prefix="hephaestus-page-", ignore_cleanup_errors=True) as own:
        os.environ["GRADIO_TEMP_DIR"] = own
        os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
        with readable_errors():
            serve(settings)


def serve(settings: Settings) -> None:
    """Load everything, and serve.

    Raises:
        PageError: If the settings name what cannot be used, or the port cannot be served.
    """
    from page.blocks import build
    from page.errors import PageError
    from page.handlers import Handlers
    from page.serving import options

    handlers = Handlers(settings)
    threading.Thread(target=handlers.warm_up, daemon=True).start()
    blocks = build(handlers)
    try:
        blocks.launch(
            server_name=os.environ.get("GRADIO_SERVER_NAME"),
            server_port=settings.port,
            **options(handlers),
        )
    except OSError as error:
        raise PageError(f"Port {settings.port} cannot be served: {error}") from None


if __name__ == "__main__":
    main()
