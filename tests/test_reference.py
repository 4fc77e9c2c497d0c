"""The generated reference pages are what the code says now."""

import pytest

from scripts import reference


@pytest.mark.parametrize("page", ["columns", "config"])
def test_page_is_current(page):
    written = (reference.ROOT / "docs" / f"{page}.md").read_text()
    assert written == getattr(reference, f"{page}_page")(), f"run `make docs`: {page}.md is stale"
