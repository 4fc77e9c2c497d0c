"""Pretrained weights: the libraries fetch them; here they fail quickly and say what to set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, get_session
from huggingface_hub.errors import HfHubHTTPError

from dataset_script.errors import ConfigError

PROBE_SECONDS = 3.0


@contextmanager
def fetching(what: str, key: str = "model.pretrained") -> Iterator[None]:
    """Let a library load pretrained weights, from the cache alone where the Hub cannot be had.

    The libraries retry an unreachable Hub for up to a minute, file by file; one short probe
    decides instead, and the cache is still looked into.

    Args:
        what: What is loaded, for the message ("the weights of ...").
        key: The key of the configuration that asks for it.

    Yields:
        Nothing; the library is called within.

    Raises:
        ConfigError: If the weights are neither in the cache nor to be fetched.
    """
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _hub_answers()
    try:
        yield
    except (OSError, HfHubHTTPError) as error:
        why = (
            "HF_HUB_OFFLINE is set"
            if before
            else f"{constants.ENDPOINT} does not answer"
            if constants.HF_HUB_OFFLINE
            else f"the Hub said: {str(error).strip().splitlines()[0]}"
        )
        raise ConfigError(
            f"{key}: {what} cannot be had: not in the cache ({constants.HF_HUB_CACHE}), and {why}. "
            "Set model.pretrained: false for random weights, model.init_from to a local folder, or "
            "HF_HOME to a cache that has them, or go online"
        ) from None
    finally:
        constants.HF_HUB_OFFLINE = before


def _hub_answers() -> bool:
    try:
        get_session().head(constants.ENDPOINT, timeout=PROBE_SECONDS)
    except Exception:  # the kind of error depends on the HTTP library of the installed version
        return False
    return True
