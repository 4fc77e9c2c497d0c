"""How the page is served: its look, its scripts, its limits, and the addresses of results."""

from __future__ import annotations

from typing import Any

from page.answers import downloads
from page.handlers import Handlers
from page.records.routes import routes as records
from page.view import layers, theme


def options(handlers: Handlers) -> dict[str, Any]:
    """Arguments of `Blocks.launch` beside host and port.

    Args:
        handlers: The page's.
    """
    limit = handlers.settings.max_upload_bytes
    routes = [
        *downloads.routes(handlers.kept.answers),
        *layers.routes(handlers.kept),
        *records(handlers.records),
    ]
    return {
        "theme": theme.theme(),
        "head": theme.head(limit),
        "css_paths": theme.CSS,
        "max_file_size": limit,
        "app_kwargs": {"routes": routes},
        "footer_links": ["api"],
        "ssr_mode": False,
        "show_error": False,
        "state_session_capacity": 1000,
    }
