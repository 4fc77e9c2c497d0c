"""The page in a real browser. Screenshots lie under test-output/ afterwards."""

import re

import pytest
import rasterio
from playwright.sync_api import TimeoutError

from tests.spaces import scenes
from tests.spaces.conftest import OUTPUT

pytestmark = pytest.mark.browser


def choose_example(page, name="Sill"):
    page.get_by_role("radio", name=name).check()
    wait_for_result(page)


def wait_for_result(page):
    """Until the last part of a result is there; if it never comes, the notice says why."""
    try:
        page.locator("#models table").first.wait_for()
    except TimeoutError:
        pytest.fail(f"no result: {page.locator('#notice').inner_text()!r}")


def numbers(page):
    return page.locator("#numbers").inner_text()


def area(page):
    return float(re.search(r"([\d.,]+) km²", numbers(page))[1].replace(",", ""))


def set_threshold(page, value):
    box = page.locator("#threshold input[type=number]")
    box.fill(str(value))
    box.press("Enter")
    page.locator("#numbers", has_text=f"above {value:.2f}").wait_for()


def outline(page):
    return page.evaluate(
        "getComputedStyle(document.querySelector('#panels .outline')).backgroundImage"
    )


def boxes(page):
    """Where the parts of the result stand."""
    names = ("notice", "numbers", "threshold", "panels", "strip", "map", "downloads")
    return {name: page.locator(f"#{name}").bounding_box()["y"] for name in names}


def test_an_example_fills_the_page_and_nothing_jumps(visit):
    page = visit()
    before = boxes(page)
    choose_example(page)
    page.wait_for_timeout(300)
    assert boxes(page) == pytest.approx(before, abs=1)
    assert page.locator("#panels img").count() == 4
    assert page.locator("#strip img").count() == 3
    assert "probability" in numbers(page) and "km²" in numbers(page)
    said = page.locator("#models").inner_text()
    assert "made-up rows" in said and "models/segmentation" in said and "local folder" in said
    assert "Research, not an alert." in page.locator("header").inner_text()
    legend = page.locator("#panels figure").first.inner_text()
    assert "π" in legend and "2.77 cm" in legend and "1.39 cm" in legend


def test_every_picture_has_words_and_every_control_a_name(visit):
    page = visit()
    choose_example(page)
    assert page.locator("img:not([alt])").count() == 0
    assert all(page.locator("#panels img").nth(i).get_attribute("alt") for i in range(4))
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, input, a, iframe, textarea')].filter(e =>
        e.offsetParent && !(e.innerText || e.ariaLabel || e.title || e.labels?.length
        || e.getAttribute('aria-labelledby') || e.placeholder)).map(e => e.outerHTML)"""
    )
    assert nameless == []


def test_the_threshold_moves_the_mask_without_asking_a_model(visit):
    page = visit()
    choose_example(page)
    pictures = page.locator("#panels img").nth(1).get_attribute("src")
    set_threshold(page, 0.02)
    everything = area(page)
    around_everything = outline(page)
    assert around_everything.startswith('url("data:image/png')
    set_threshold(page, 0.98)
    nothing = area(page)
    assert outline(page) != around_everything
    assert everything > 10 and nothing == 0
    assert page.locator("#panels img").nth(1).get_attribute("src") == pictures
    link = page.locator("#downloads a").first.get_attribute("href")
    assert link.endswith("threshold=0.98")


def test_the_threshold_by_keyboard(visit):
    page = visit()
    choose_example(page)
    slider = page.locator("#threshold input[type=range]")
    start = float(slider.input_value())
    page.locator("#threshold input[type=number]").focus()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator("#numbers", has_text=f"above {start + 0.02:.2f}").wait_for()


def test_the_page_by_keyboard_alone(visit):
    """From the top of the page to a result without a pointer."""
    page = visit()
    focused = ""
    for _ in range(12):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.type")
        if focused == "radio":
            break
    assert focused == "radio", f"twelve times Tab ended on {focused!r}"
    page.keyboard.press("Space")
    wait_for_result(page)


def test_upload_and_download(visit, served, tmp_path):
    page = visit()
    paths = scenes.licsar(tmp_path, steps=2)
    page.get_by_role("tab", name="Upload").click()
    page.locator("#upload input[type=file]").set_input_files([str(path) for path in paths])
    page.locator("#notice", has_text="2 interferograms").wait_for()
    set_threshold(page, 0.4)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Mask, GeoTIFF").click()
    saved = tmp_path / "mask.tif"
    waiting.value.save_as(saved)
    assert waiting.value.suggested_filename.endswith("_mask.tif")
    with rasterio.open(saved) as mask, rasterio.open(paths[0]) as phase:
        assert mask.crs == phase.crs and mask.transform == phase.transform
        assert mask.shape == phase.shape
        pixels = int((mask.read(1) == 1).sum())
        assert mask.tags()["THRESHOLD"] == "0.4"
    per_pixel = 0.1112 * 0.1081  # km2 at 13.7 N
    assert area(page) == pytest.approx(pixels * per_pixel, rel=0.02)
    assert served.files() == []


def test_a_bad_file_is_told_in_words_and_the_page_lives_on(visit, served, tmp_path):
    page = visit()
    bad = tmp_path / "phase.geo.diff_pha.tif"
    bad.write_text("this is no image")
    page.get_by_role("tab", name="Upload").click()
    page.locator("#upload input[type=file]").set_input_files(str(bad))
    alert = page.get_by_role("alert").filter(has_text="Not possible")
    alert.wait_for()
    assert "neither a GeoTIFF nor a zip archive" in alert.inner_text()
    assert served.files() == []
    page.get_by_role("tab", name="Examples").click()
    choose_example(page)


def test_browse(visit):
    page = visit()
    page.get_by_role("tab", name="Browse").click()
    for label in ("Frame", "Primary date"):
        page.get_by_label(label, exact=True).click()
        page.get_by_role("option").first.click()
    # The series of the date is filled in by the server.
    page.wait_for_function("document.querySelector('#secondary input').value")
    page.get_by_role("button", name="Analyse this series").click()
    wait_for_result(page)
    assert "Annotated" in page.locator("#notice").inner_text()


def test_a_model_that_may_not_be_opened(visit):
    page = visit()
    page.get_by_role("button", name="Models").click()
    box = page.get_by_label("Segmentation model")
    box.fill("/etc")
    box.press("Enter")
    page.get_by_role("radio", name="Sill").check()
    page.get_by_role("alert").filter(has_text="no model that this page opens").wait_for()


def test_the_map_says_plainly_that_it_is_offline(visit):
    page = visit()
    choose_example(page)
    page.locator("#map iframe").scroll_into_view_if_needed()
    frame = page.frame_locator("#map iframe")
    frame.get_by_text("needs a connection to the internet").wait_for()
    assert "Map of the mask" in page.locator("#map iframe").get_attribute("title")


@pytest.mark.parametrize(
    ("name", "width", "dark"), [("light", 1280, False), ("dark", 1280, True), ("phone", 390, False)]
)
def test_screenshots(visit, name, width, dark):
    page = visit(width=width, dark=dark)
    choose_example(page)
    page.locator("#map iframe").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"the page is {overflow} pixels wider than the window"
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"space-{name}.png", full_page=True)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dim = sum(int(part) for part in re.findall(r"\d+", background)[:3]) < 200
    assert dim == dark
