"""The page in a real browser. Screenshots lie under test-output/ afterwards."""

import json
import re
import urllib.request

import pytest
import rasterio

from tests.spaces import scenes
from tests.spaces.visiting import (
    area,
    choose_example,
    layers,
    numbers,
    send,
    set_threshold,
    wait_for_layer,
    wait_for_picture,
    wait_for_result,
)

pytestmark = pytest.mark.browser


def test_an_example_fills_the_page(visit):
    page = visit()
    choose_example(page)
    assert page.locator("#strip img").count() == 3
    assert page.locator("img:not([alt])").count() == 0
    said = numbers(page)
    assert "probability" in said and "km²" in said and "Testvolcano" in said and "2020" in said
    assert "To be wary of" in said and "What would look alike here" in said
    page.get_by_role("button", name="Who answered").click()
    who = page.locator("#models").inner_text()
    assert "made-up rows" in who and "models/segmentation" in who and "local folder" in who
    assert "Research, not an alert." in page.locator("header").inner_text()
    legend = page.locator("#picture .legends").inner_text()
    assert "π" in legend and "2.77 cm" in legend and "1.39 cm" in legend
    clipped = page.evaluate(
        "[...document.querySelectorAll('#numbers *, #notice *')]"
        ".filter(e => e.scrollHeight > e.clientHeight + 2 && e.clientHeight"
        " && getComputedStyle(e).overflowY != 'visible').length"
    )
    assert clipped == 0


def test_the_picture_and_a_pixel_of_it(visit):
    """Layers, the values under the pointer, a pixel's dates and a reference point that moves."""
    page = visit()
    choose_example(page)
    wait_for_picture(page)
    plot = page.locator("#picture .plot")
    plot.hover(position={"x": 420, "y": 300})
    readout = page.locator("#picture .readout", has_text="probability")
    readout.wait_for()
    assert re.search(
        r"phase -?\d\.\d\d rad, -?\d\.\d\d cm · coherence 0\.\d\d", readout.inner_text()
    )
    assert not any("probability.png" in link for link in layers(page))
    page.get_by_label("Opacity").fill("60")
    wait_for_layer(page, "probability.png")
    # phase, probability over it, and the mask's outline: all three are drawn
    page.wait_for_function(
        "[...document.querySelectorAll('#picture .imagelayer image')]"
        ".filter(e => e.getAttribute('href')).length === 3"
    )
    plot.click(position={"x": 420, "y": 300})
    pixel = page.locator("#picture .pixel")
    pixel.locator("tbody tr").nth(2).wait_for()
    first = pixel.inner_text()
    assert "2020-01-18" in first and "line of sight" in first
    row, column = re.search(r"Row (\d+), column (\d+)", first).groups()
    pixel.get_by_role("button", name="Make this the reference point").click()
    pixel.get_by_text(f"Relative to the square at row {row}, column {column};").wait_for()
    relative = pixel.locator("tbody td:nth-child(4)").all_inner_texts()
    assert [float(text) for text in relative] == [0, 0, 0]
    plot.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    pixel.get_by_text(f"Row {int(row) + 1}, column {column}").wait_for()


def test_the_threshold_moves_the_mask_without_asking_a_model(visit):
    page = visit()
    choose_example(page)
    wait_for_picture(page)
    set_threshold(page, 0.02)
    everything = area(page)
    wait_for_layer(page, "outline.*threshold=0.02")
    set_threshold(page, 0.98)
    assert everything > 10 and area(page) == 0
    assert page.locator("#downloads a:not([href$='threshold=0.98'])").count() == 0


def test_a_threshold_out_of_range_moves_box_slider_and_mask_alike(visit, served):
    page = visit()
    choose_example(page)
    box = page.locator("#threshold input[type=number]")
    slider = page.locator("#threshold input[type=range]")
    for typed, taken in (("5", 0.99), ("-3", 0.01), ("", 0.5)):
        set_threshold(page, typed, taken)
        page.wait_for_function(
            "value => [...document.querySelectorAll('#threshold input')]"
            ".every(e => e.value == value)",
            arg=taken,
        )
        assert float(box.input_value()) == float(slider.input_value()) == taken
    assert "Traceback" not in served.log.read_text()


def test_numbers_of_an_earlier_threshold_do_not_stay(visit):
    """Of two moves that Gradio sends side by side the first may be answered last."""
    page = visit()
    choose_example(page)
    overtaken = []

    def answer_the_move_before(route):
        body = route.request.post_data or ""
        if not overtaken and '"data"' in body and ",0.8," in body.replace(" ", ""):
            overtaken.append(body)
            return route.continue_(post_data=re.sub(r"0\.8\b", "0.7", body))
        return route.continue_()

    page.route("**/gradio_api/**", answer_the_move_before)
    # On a busy machine the wrong numbers are there too shortly to be waited for.
    page.evaluate(
        """() => {
            const place = document.querySelector("#numbers");
            window.shown = [];
            new MutationObserver(() => {
                const threshold = place.querySelector("[data-threshold]")?.dataset.threshold;
                if (threshold && window.shown.at(-1) !== threshold) window.shown.push(threshold);
            }).observe(place, {childList: true, subtree: true, attributes: true});
        }"""
    )
    box = page.locator("#threshold input[type=number]")
    box.fill("0.8")
    box.press("Enter")
    page.wait_for_function("window.shown.includes('0.7') && window.shown.at(-1) === '0.8'")
    assert len(overtaken) == 1
    assert page.locator("#threshold input[type=range]").input_value() == "0.8"


def test_the_threshold_by_keyboard(visit):
    page = visit()
    choose_example(page)
    slider = page.locator("#threshold input[type=range]")
    # Gradio draws the parts of an answer one after the other.
    page.wait_for_function(
        "document.querySelector('#threshold input[type=range]').value"
        " == document.querySelector('#numbers [data-threshold]').dataset.threshold"
    )
    start = float(slider.input_value())
    page.locator("#threshold input[type=number]").focus()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator("#numbers", has_text=f"above {start + 0.02:.2f}").wait_for()


def test_the_page_by_keyboard_alone(visit):
    """One tab stop for all examples, arrow keys between them, a result without a pointer."""
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
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="Dyke").is_checked()
    wait_for_result(page)
    assert "Dyke" in page.locator("#notice").inner_text()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") != "radio"


def test_upload_and_download(visit, served, tmp_path):
    page = visit()
    paths = scenes.licsar(tmp_path, steps=2)
    send(page, paths)
    wait_for_result(page)
    assert "2 interferograms" in page.locator("#notice").inner_text()
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


def test_a_link_to_a_result_survives_a_reload(visit, served):
    page = visit()
    choose_example(page)
    set_threshold(page, 0.3)
    shown = numbers(page)
    page.get_by_role("link", name="Link to this result").click()
    # The page that is left says the same, and says it until the next one has come.
    page.wait_for_url(re.compile(r"\?.*result=\w+.*threshold=0\.3"))
    page.locator("#numbers", has_text="above 0.30").wait_for()
    assert numbers(page) == shown
    page.reload()
    page.locator("#numbers", has_text="above 0.30").wait_for()
    assert numbers(page) == shown
    page.goto(f"{served.url}/?result=0123456789abcdef")
    page.get_by_role("alert").filter(has_text="no longer kept").wait_for()


def test_a_bad_file_is_told_in_words_and_the_page_lives_on(visit, served, tmp_path):
    page = visit()
    bad = tmp_path / "phase.geo.diff_pha.tif"
    bad.write_text("this is no image")
    send(page, [bad])
    alert = page.get_by_role("alert").filter(has_text="Not possible")
    alert.wait_for()
    assert "neither a GeoTIFF nor a zip archive" in alert.inner_text()
    assert served.files() == []
    page.get_by_role("tab", name="Examples").click()
    choose_example(page)


def test_a_file_that_is_too_large_is_refused_before_it_is_sent_and_the_reason_stays(
    visit, tmp_path
):
    page = visit()
    page.evaluate("window.hephaestusLimit = 1000")
    large = tmp_path / "cube.zarr.zip"
    large.write_bytes(bytes(2000))
    send(page, [large])
    alert = page.locator("#too-large").get_by_role("alert")
    alert.wait_for()
    page.wait_for_timeout(500)
    assert "at most" in alert.inner_text() and "are taken" in alert.inner_text()
    page.evaluate("window.hephaestusLimit = 1e9")
    send(page, scenes.licsar(tmp_path))
    wait_for_result(page)
    assert alert.count() == 0


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


def test_the_servers_folders_are_nowhere_on_the_page(served, world):
    with urllib.request.urlopen(f"{served.url}/config", timeout=10) as answer:
        config = answer.read().decode()
    assert "models/segmentation" in config
    assert str(world["root"]) not in config and str(json.dumps(str(world["root"]))) not in config


def test_the_map_says_plainly_that_it_is_offline(visit):
    page = visit()
    choose_example(page)
    page.locator("#map iframe").scroll_into_view_if_needed()
    frame = page.frame_locator("#map iframe")
    frame.get_by_text("needs a connection to the internet").wait_for()
    assert "Map of the mask" in page.locator("#map iframe").get_attribute("title")
