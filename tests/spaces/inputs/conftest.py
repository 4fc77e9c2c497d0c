"""Uploads as the server reads them."""

import dataclasses
import tempfile
import time

import pytest


@pytest.fixture
def send(settings, tmp_path, monkeypatch):
    """Upload files as the server does; checks that nothing is left of them, whatever happens."""
    from page.inputs.uploads import read_upload

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def run(*paths, **changes):
        started = time.monotonic()
        try:
            return read_upload(
                [str(path) for path in paths], dataclasses.replace(settings, **changes)
            )
        finally:
            assert time.monotonic() - started < 5
            assert not any(path.exists() for path in paths)
            assert not any(scratch.iterdir())

    return run


@pytest.fixture
def refuse(send):
    """Upload files that must be refused; gives the message."""
    from page.errors import PageError

    def run(*paths, **changes):
        with pytest.raises(PageError) as caught:
            send(*paths, **changes)
        said = str(caught.value)
        assert "/tmp" not in said and "Traceback" not in said
        return said

    return run
