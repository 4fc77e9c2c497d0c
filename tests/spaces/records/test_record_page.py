"""The record in a real browser."""

import re

import pytest

from tests.spaces.records.made import STRONG

pytestmark = pytest.mark.browser


def open_pair(page, scene):
    """By the list, which is the keyboard's way."""
    page.locator("#record .record[data-drawn]").wait_for()
    page.locator(f"#record input[value='{scene}']").check()
    page.locator("#record .opened:not(.old) article").wait_for()


def test_a_pair_is_opened_by_its_bar_by_the_arrow_keys_and_by_a_link(visit, served, world):
    page = visit()
    page.get_by_role("tab", name="Record").click()
    page.locator("#record .record[data-drawn]").wait_for()
    assert page.locator("#record [name=of] option").count() == 2
    assert "Erta Ale: 8 pairs" in page.locator("#record .title").inner_text()
    # Eight bars of probability and one of area.
    bars = page.locator("#record .bars .barlayer .point path")
    assert bars.count() == 9
    box = page.locator("#record .bars .subplot.xy .point path").last.bounding_box()  # drawn last
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened = page.locator("#record .opened:not(.old) article")
    opened.locator("h2", has_text="Deformation, 2017-03-04 to 2017-03-16").wait_for()
    assert "likely at Erta Ale" in opened.inner_text()
    assert page.locator("#record [name=pair]:checked").input_value() == STRONG
    page.wait_for_function(
        "[...document.querySelectorAll('#record .looks img')].every(each => each.naturalWidth)"
    )
    page.locator("#record [name=pair]:checked").focus()
    page.keyboard.press("ArrowDown")
    opened.locator("h2", has_text="No deformation, 2017-02-20 to 2017-03-04").wait_for()
    page.keyboard.press("ArrowUp")
    opened.locator("h2", has_text="Deformation, 2017-03-04").wait_for()
    page.get_by_label("Only deformation in the list").check()
    assert page.locator("#record tbody tr:visible").count() == 1
    page.reload()
    opened.locator("h2", has_text="Deformation, 2017-03-04").wait_for()
    with page.expect_download() as waiting:
        opened.get_by_role("link", name="Mask, GeoTIFF").click()
    assert waiting.value.suggested_filename == f"{STRONG}_mask.tif"
    assert str(world["root"]) not in page.content()
    assert not re.search(r"Traceback", served.log.read_text())
