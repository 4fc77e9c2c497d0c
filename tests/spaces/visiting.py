"""What a visitor does on the page, and waits for."""

import re

import pytest
from playwright.sync_api import TimeoutError


def choose_example(page, name="Sill"):
    page.get_by_role("radio", name=name).check()
    wait_for_result(page)


# Gradio draws the parts of an answer one after the other, the notice before most of the others.
_WHOLE = """() => {
    const answer = document.querySelector("#results:not(.busy) #notice .ready")?.dataset.answer;
    return answer && document.querySelector("#numbers .answer:not(.preliminary) .headline")
        && document.querySelector(`#downloads a[href*="result/${answer}/"]`);
}"""


def wait_for_result(page):
    """Until the answer to the last choice is there; if it never comes, the notice says why."""
    try:
        page.wait_for_function(_WHOLE)
    except TimeoutError:
        pytest.fail(f"no result: {page.locator('#notice').inner_text()!r}")


def wait_for_picture(page):
    page.locator("#picture .explorer[data-drawn]").wait_for()


def numbers(page):
    # Beside the answer Gradio keeps a clock, which nobody sees and `inner_text` reads.
    return page.locator("#numbers .answer").inner_text()


def area(page):
    return float(re.search(r"([\d.,]+) km²", numbers(page))[1].replace(",", ""))


def set_threshold(page, value, shown=None):
    """Type a threshold, and wait until numbers and downloads are those of the one that is shown."""
    box = page.locator("#threshold input[type=number]")
    box.fill(str(value))
    box.press("Enter")
    page.locator("#numbers", has_text=f"above {shown or value:.2f}").wait_for()
    links = page.locator(f"#downloads a[href$='threshold={shown or value}']")
    links.first.wait_for(state="attached")


def layers(page):
    """Addresses of the pictures that lie one over the other."""
    return page.evaluate("hephaestus.explorer().plot.layout.images.map(each => each.source)")


def wait_for_layer(page, pattern):
    page.wait_for_function(
        "text => hephaestus.explorer().plot.layout.images.some(e => RegExp(text).test(e.source))",
        arg=pattern,
    )


def send(page, paths):
    page.get_by_role("tab", name="Upload").click()
    page.locator("#upload input[type=file]").set_input_files([str(path) for path in paths])
