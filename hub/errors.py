"""The Hub's errors, each as one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from dataset_script.errors import HephaestusError


class HubError(HephaestusError):
    """The Hub refused, could not be reached, or does not have what was asked for."""


def _by_status(error: Exception, where: str) -> str:
    """One line for an HTTP answer that is an error."""
    response = error.response  # type: ignore[attr-defined]
    status = response.status_code
    message = response.headers.get("X-Error-Message") or ""
    if status == 401:
        return (
            f"the Hub does not accept the token for {where}: it is wrong or has expired; "
            "set HF_TOKEN or run `hf auth login` with one that has write access"
        )
    if status in (402, 403):
        return f"the token may not write to {where}{f': {message}' if message else ''}"
    if status == 412:
        return f"{where} has changed while this was running; run the same command again"
    if status == 429:
        wait = response.headers.get("Retry-After")
        return (
            f"the Hub limits the rate of requests to {where}; run the same command again "
            f"{f'in {wait} s' if wait else 'in a few minutes'}, it sends only what is missing"
        )
    if status >= 500:
        return (
            f"the Hub failed ({status}) at {where}; run the same command again, it sends only "
            "what is missing"
        )
    detail = message or re.sub(r"\s+", " ", str(error)).strip()
    return f"the Hub refused {where} ({status}): {detail}"


@contextmanager
def hub_errors(where: str) -> Iterator[None]:
    """Turn what the Hub's clients raise into `HubError`.

    Args:
        where: The repository, as in "dataset NS/NAME".

    Raises:
        HubError: For a refused token, a missing repository, revision or file, a refused or
            broken connection, offline mode, or any other answer that is an error.
    """
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.RepositoryNotFoundError:
        raise HubError(
            f"{where} does not exist, or the token may not see it; check the name, and set "
            "HF_TOKEN if it is private"
        ) from None
    except errors.RevisionNotFoundError:
        raise HubError(f"{where} has no such revision, branch or tag") from None
    except errors.LocalEntryNotFoundError:
        raise HubError(
            f"{where} cannot be reached, and is not among what was downloaded before: check the "
            "connection"
        ) from None
    except errors.EntryNotFoundError as error:
        raise HubError(f"{where} lacks a file: {str(error).splitlines()[-1]}") from None
    except errors.HFValidationError as error:
        raise HubError(f"{where} is no valid repository name: {error}") from None
    except errors.OfflineModeIsEnabled:
        raise HubError(f"cannot reach {where}: HF_HUB_OFFLINE is set") from None
    except errors.LocalTokenNotFoundError:
        raise HubError("there is no token: set HF_TOKEN or run `hf auth login`") from None
    except errors.HfHubHTTPError as error:
        raise HubError(_by_status(error, where)) from None
    except (httpx2.TransportError, ConnectionError) as error:
        detail = re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__
        raise HubError(
            f"the connection to the Hub failed for {where}: {detail}; run the same command "
            "again, it sends only what is missing"
        ) from None
    except RuntimeError as error:
        # The clients wrap what stopped a file's upload, token and transport errors included.
        if error.__cause__ is None:
            raise HubError(f"the transfer of {where} broke off: {error}") from None
        with hub_errors(where):
            raise error.__cause__ from None
