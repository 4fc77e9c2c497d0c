"""A library's refusals, turned into readable errors, and options checked before it sees them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from dataset_script.errors import ConfigError


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turn a library's refusal of a name or an option into a readable error.

    Args:
        what: What is being built.

    Yields:
        Nothing; the library is called within.

    Raises:
        ConfigError: In place of what the library raises.
    """
    try:
        yield
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        ImportError,
        LookupError,
        OSError,
        RuntimeError,
        StrictDataclassError,
        TypeError,
        ValueError,
    ) as error:
        raise ConfigError(f"model: {what} cannot be built: {_told(error)}") from error


def _told(error: Exception) -> str:
    """What a library says; of an assertion often nothing, of a key that is missing its name."""
    said = one_line(error)
    bare = not said or isinstance(error, LookupError)
    return f"{type(error).__name__} {said}".strip() if bare else said


def refuse_reserved(options: Mapping[str, Any], reserved: Iterable[str]) -> None:
    """Refuse options that follow from other keys.

    Args:
        options: `model.options`.
        reserved: Names that are not to be among them.

    Raises:
        ConfigError: Naming the option.
    """
    if taken := sorted(set(options) & set(reserved)):
        raise ConfigError(
            f"model.options.{taken[0]} is not yours to set: it follows from the data, the task "
            "and the model's other keys"
        )


def refuse_unknown(options: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    """Refuse options that the architecture does not know.

    Args:
        options: `model.options`.
        known: Names that it knows.
        what: The architecture, for the message.

    Raises:
        ConfigError: Naming the option and the nearest known one.
    """
    known = list(known)
    for key in options:
        if key not in known:
            raise ConfigError(f"model.options.{key} is unknown to {what}{nearest(key, known)}")


def one_line(error: Exception) -> str:
    """What a library says, shortened to what fits a line."""
    return " ".join(str(error).split())[:300]


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a message that suggests the names most like a wrong one, if any is.

    Names that begin with it come before those that are spelt like it: of a family of models, the
    beginning is what one remembers.
    """
    known = list(names)
    begin = sorted((n for n in known if name and n.startswith(name)), key=lambda n: (len(n), n))
    near = begin[:3] or difflib.get_close_matches(name, known, 1)
    return f"; did you mean {' or '.join(near)}?" if near else ""
