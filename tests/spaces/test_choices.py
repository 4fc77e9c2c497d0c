"""Choices made while another is at work: the last one wins, Cancel ends it, leaving ends it, too.

The page runs in this process, and its models wait for the test.
"""

import csv
import dataclasses
import json
import random
import re
import threading
import time
import urllib.request

import pytest

from tests.hub.answers import both, predicted
from tests.hub.pointwise import frame_scene, pointwise
from tests.spaces import scenes
from tests.spaces.conftest import OUTPUT, open_page
from tests.spaces.visiting import numbers, wait_for_result

pytestmark = pytest.mark.browser

PALE = "Number(getComputedStyle(document.querySelector('#numbers')).opacity) < 0.5"

AT_ONCE = """() => {
  const results = document.querySelector("#results");
  results.classList.remove("pending");
  document.querySelector("#example input:not(:checked)").click();
  return results.classList.contains("pending");
}"""


class Gated:
    """A real model that goes from window to window until the test lets it answer."""

    def __init__(self, detector):
        self._detector = detector
        self.facts = detector.facts
        self.gate = threading.Event()
        self.running = 0
        self.started = []

    def predict(self, scene, progress=None, **options):
        self.running += 1
        self.started.append(scene.name)
        try:
            for done in range(600):
                if self.gate.wait(0.05):
                    return self._detector.predict(scene, progress=progress, **options)
                progress(done, 600)
            raise AssertionError("the test never opened the gate")
        finally:
            self.running -= 1

    def until(self, count, page=None):
        """Wait until that many analyses run; an open page goes on meanwhile."""
        end = time.monotonic() + 60
        while self.running != count:
            assert time.monotonic() < end, f"{self.running} analyses run, not {count}"
            page.wait_for_timeout(20) if page else time.sleep(0.02)


@pytest.fixture(scope="module")
def gated_page(settings, world):
    from page.answers.loaded_models import LoadedModels
    from page.blocks import build
    from page.handlers import Handlers
    from page.serving import options

    from hub.inference.detector import Detector

    chosen = dataclasses.replace(settings, classifier="", jobs=2)
    model = Gated(Detector.from_pretrained(world["segmentation"]))
    handlers = Handlers(chosen, LoadedModels(chosen, lambda name, revision: model))
    page = build(handlers)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **options(handlers))
    yield url, model, handlers
    model.gate.set()
    page.close()


@pytest.fixture
def visitor(browser, gated_page):
    """`visitor()` opens the page; the gate is shut."""
    url, model, _ = gated_page
    model.gate.clear()
    pages = []

    def go(**options):
        pages.append(open_page(browser, url, **options))
        return pages[-1]

    yield go, model
    model.gate.set()
    for page in pages:
        page.context.close()


def choose(page, name):
    page.get_by_role("radio", name=name).check()


def ready(page):
    wait_for_result(page)
    return page.locator("#notice .ready").inner_text()


def test_the_last_choice_wins_and_the_one_before_ends(visitor):
    go, model = visitor
    page = go()
    choose(page, "Sill")
    model.until(1, page)
    first = model.started[-1]
    choose(page, "Dyke")
    page.locator("#notice .working", has_text="window").wait_for()
    model.until(1, page)
    model.gate.set()
    said = ready(page)
    assert "Dyke" in said and first not in said
    page.wait_for_timeout(300)
    assert ready(page) == said


def test_a_result_is_pale_beside_a_new_choice(visitor):
    go, model = visitor
    page = go()
    model.gate.set()
    choose(page, "Sill")
    ready(page)
    assert not page.evaluate(PALE)
    # The request is held back on its way: nothing has come back for the new choice.
    page.route("**/queue/join*", lambda route: None)
    choose(page, "Dyke")
    page.wait_for_function(PALE)
    assert page.get_by_role("button", name="Cancel").is_visible()
    assert page.evaluate(AT_ONCE), "not in a single frame is it at full contrast"
    page.unroute_all(behavior="ignoreErrors")


def test_progress_preview_and_cancel(visitor):
    """A picture before the answer, windows counted, and an end to it within a window."""
    go, model = visitor
    page = go()
    choose(page, "Sill")
    page.locator("#notice .working", has_text=re.compile(r"window \d+ of 600")).wait_for()
    page.locator("#notice .working", has_text="left").wait_for()
    assert page.locator("#notice progress").count() == 1
    page.locator("#picture .explorer[data-drawn]").wait_for()
    assert "Preview" in page.locator("#picture .plot").get_attribute("aria-label")
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / "space-light-running.png", full_page=True)
    page.get_by_role("button", name="Cancel").click()
    page.locator("#notice", has_text="Cancelled").wait_for()
    model.until(0, page)
    assert not page.get_by_role("button", name="Cancel").is_visible()
    model.gate.set()
    page.get_by_role("button", name="Analyse the whole scene again").click()
    ready(page)


def test_the_job_of_a_visitor_who_left_ends(visitor):
    go, model = visitor
    page = go()
    choose(page, "Sill")
    model.until(1, page)
    page.close()
    model.until(0)


def test_a_part_first_while_the_whole_is_at_work(visitor, tmp_path):
    go, model = visitor
    page = go()
    page.get_by_role("tab", name="Upload").click()
    paths = scenes.licsar(tmp_path, size=200)
    page.locator("#upload input[type=file]").set_input_files([str(path) for path in paths])
    page.locator("#picture .explorer[data-drawn]").wait_for()
    judge = page.get_by_role("button", name="Judge the drawn box first")
    assert not judge.is_visible()
    page.get_by_role("button", name="Draw a box").click()
    frame = page.locator("#picture .plot").bounding_box()
    side = min(frame["width"], frame["height"])
    left, top = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + side / 4, top + side / 4, steps=6)
    page.mouse.up()
    page.wait_for_function("hephaestus.box() !== ''")
    judge.click()
    model.until(1, page)
    model.gate.set()
    said = ready(page)
    assert "_rows" in said and "Only a part of the scene" in numbers(page)
    page.get_by_role("button", name="Analyse the whole scene again").click()
    page.locator("#notice .ready", has_text="200 × 200").wait_for()


def test_two_visitors_race_and_none_sees_anothers_or_an_old_result(visitor):
    go, model = visitor
    model.gate.set()
    pages = [go(), go()]
    names = ["Sill", "Dyke", "Mogi source"]
    dice = random.Random(4)
    for _ in range(2):
        last = []
        for page in pages:
            for name in dice.sample(names, 2):
                page.get_by_role("radio", name=name).click()
                page.wait_for_timeout(dice.choice([0, 20, 120]))
            last.append(name)
        for page, name in zip(pages, last, strict=True):
            said = ready(page)
            assert page.get_by_role("radio", name=name).is_checked()
            assert name.split()[0] in said.partition("Annotated")[2], (name, said)


def test_a_pixel_has_a_probability_by_date_where_each_was_judged_alone(browser, gated_page):
    from page.answers.analysis import Answer

    url, _, handlers = gated_page
    token = handlers.kept.put(
        Answer(pointwise(steps=1).predict(frame_scene(steps=3), each_date=True))
    )
    page = open_page(browser, f"{url.rstrip('/')}/?result={token}")
    try:
        page.locator("#picture .explorer[data-drawn]").wait_for()
        page.locator("#picture .plot").click(position={"x": 420, "y": 300})
        pixel = page.locator("#picture .pixel")
        pixel.locator(".dates .legend", has_text="probability").wait_for()
        assert (
            "the largest of the dates, of which the model judges each alone" in pixel.inner_text()
        )
        each = [float(text) for text in pixel.locator("tbody td:nth-child(6)").all_inner_texts()]
        largest = float(re.search(r"Probability (0\.\d+) ", pixel.inner_text())[1])
        assert len(each) == 3 and max(each) == pytest.approx(largest, abs=2e-3)
    finally:
        page.context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_csv_and_json_say_one_thing_where_models_disagree(browser, gated_page, dark):
    from page.answers.analysis import Answer
    from page.inputs.known import Known

    url, _, handlers = gated_page
    limits = (0.25, 0.6)
    answer = both(predicted(0.93, limits), predicted(0.04, limits, kind="timm"))
    token = handlers.kept.put(Answer(answer, Known(volcanoes=("Etna",))))
    page = open_page(browser, f"{url.rstrip('/')}/?result={token}", dark=dark)
    try:
        page.locator("#numbers .headline").wait_for()
        page.locator("#picture .explorer[data-drawn]").wait_for()
        shown = numbers(page)
        with urllib.request.urlopen(f"{url}result/{token}/json", timeout=30) as file:
            record = json.load(file)
        with urllib.request.urlopen(f"{url}result/{token}/csv", timeout=30) as file:
            (row,) = csv.DictReader(file.read().decode().splitlines())
        assert record["decision"] == row["decision"] == "Deformation"
        assert "Deformation" in shown and "The two models disagree: let a person look." in shown
        assert record["models_disagree"] is True and row["models_disagree"] == "True"
        assert record["verdict"] == row["verdict"]
        reason = record["verdict"].removeprefix("Deformation: ")
        assert " ".join(reason.split()) in " ".join(shown.split())
        assert "at Etna" in shown
        name = "dark" if dark else "light"
        OUTPUT.mkdir(exist_ok=True)
        page.screenshot(path=OUTPUT / f"space-{name}-disagreement.png", full_page=True)
    finally:
        page.context.close()
