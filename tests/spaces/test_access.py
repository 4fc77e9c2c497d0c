"""The page on a phone, in the dark, for those who cannot see or point; the record by all ways."""

import re

import pytest

from tests.spaces.conftest import OUTPUT
from tests.spaces.records.made import STRONG
from tests.spaces.visiting import choose_example, send, wait_for_picture

pytestmark = pytest.mark.browser


def test_a_tap_on_a_phone_shows_the_answer_and_code_does_not_widen_the_page(visit):
    page = visit(width=390, height=800)
    choose_example(page)
    page.wait_for_timeout(700)  # a smooth scroll
    place = page.locator("#numbers .headline").bounding_box()
    assert 0 <= place["y"] < 600
    page.get_by_role("button", name="Ask from a program").click()
    page.locator("#program pre").wait_for()
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"the page is {overflow} pixels wider than the window"


@pytest.mark.parametrize(
    ("name", "width", "dark"), [("light", 1280, False), ("dark", 1280, True), ("phone", 390, False)]
)
def test_nobody_is_kept_out(visit, tmp_path, name, width, dark):
    """axe-core finds nothing wrong: without a scene, with an error, with a result."""
    from axe_playwright_python.sync_playwright import Axe

    page = visit(width=width, dark=dark)
    OUTPUT.mkdir(exist_ok=True)

    def check(state):
        found = Axe().run(
            page, options={"rules": {"label-content-name-mismatch": {"enabled": True}}}
        )
        wrong = [
            f"{item['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for item in found.response["violations"]
            for node in item["nodes"]
        ]
        page.screenshot(path=OUTPUT / f"space-{name}-{state}.png", full_page=True)
        assert wrong == [], state

    for title in ("Models", "How to read this page", "Ask from a program"):
        page.get_by_role("button", name=title).click()
    check("empty")
    bad = tmp_path / "phase.geo.diff_pha.tif"
    bad.write_text("this is no image")
    send(page, [bad])
    page.get_by_role("alert").filter(has_text="Not possible").wait_for()
    check("error")
    page.get_by_role("tab", name="Examples").click()
    choose_example(page)
    wait_for_picture(page)
    page.locator("#picture .plot").click(position={"x": 120, "y": 120})
    page.locator("#picture .pixel table").wait_for()
    page.get_by_role("button", name="Who answered").click()
    page.locator("#models table").first.wait_for()
    check("result")
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"the page is {overflow} pixels wider than the window"
    page.get_by_role("tab", name="Record").click()
    open_pair(page, STRONG)
    check("record")
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"the record is {overflow} pixels wider than the window"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dim = sum(int(part) for part in re.findall(r"\d+", background)[:3]) < 200
    assert dim == dark


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
