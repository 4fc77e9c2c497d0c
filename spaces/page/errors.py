"""The page's own error: a plain sentence that a visitor reads in place of a result."""

from __future__ import annotations

from dataset_script.errors import HephaestusError


class PageError(HephaestusError):
    """What a visitor asked for cannot be done; the message says why and what to do instead."""
