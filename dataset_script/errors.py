"""The one kind of error that a user is meant to read, and how the commands print it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dataset_script.extras import advice


class HephaestusError(Exception):
    """Something in the input, the configuration or the surroundings is wrong.

    The message is one sentence or two: what is wrong, where (file, frame, dates, key), and what
    to do. Every command prints it without a traceback and exits with 1.
    """


class DataError(HephaestusError):
    """A minicube, an annotation or an exported dataset is not what it should be."""


class ConfigError(HephaestusError):
    """An option or a configuration key is unknown, missing or out of range."""


@contextmanager
def readable_errors() -> Iterator[None]:
    """Print a `HephaestusError` as one line on standard error and exit with 1.

    A library that an extra of the package would have brought is named with that extra. Ctrl-C exits
    with 130, as shells expect. Anything else is a defect of ours and keeps its traceback.

    Raises:
        SystemExit: After printing.
    """
    try:
        yield
    except HephaestusError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except ModuleNotFoundError as error:
        told = advice(error.name or "")
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
