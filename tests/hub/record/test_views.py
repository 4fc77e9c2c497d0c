"""Pictures over time and the page over a record, looked at by a browser."""

import json

import numpy as np
import pytest
from PIL import Image

from hub.__main__ import main
from hub.record.table import Record
from hub.record.views.drawing import STRONGEST, draw_history
from hub.record.views.history import histories, marked_map
from tests.hub.licsar import DEGREES, write_tif
from tests.hub.record.answers import answer, many

SIZE = (400, 400)


def add_pair(folder, made, marked):
    """An answer with a mask of which these rows are marked, and a probability to look up."""
    scene = made["scene"]
    mask = np.zeros(SIZE, np.uint8)
    mask[marked, 100:300] = 1
    mask[:, :20] = 255
    write_tif(folder / f"{scene}_mask.tif", mask, DEGREES, nodata=255)
    probability = np.where(mask == 1, made["probability"], 0.01).astype(np.float32)
    write_tif(folder / f"{scene}_probability.tif", probability, DEGREES, nodata=np.nan)
    Image.new("RGB", (64, 64), "navy").save(folder / f"{scene}_quicklook.png")
    files = {
        "mask": f"{scene}_mask.tif",
        "probability": f"{scene}_probability.tif",
        "quicklook": f"{scene}_quicklook.png",
    }
    made = {**made, "files": files}
    (folder / f"{scene}.json").write_text(json.dumps(made))
    Record(folder).add(made)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    pairs = many(8)
    for number, made in enumerate(pairs):
        if number == 5:
            made |= answer(made["primary_date"], made["secondary_dates"][0], 0.97)
        add_pair(folder, made, slice(100, 200) if number in (4, 5) else slice(0, 0))
    unplaced = answer("20170103", "20170115", 0.5, scene="crop", place={"row": 3, "column": 4})
    unplaced |= dict.fromkeys(("bounds", "frame", "crs", "volcano", "volcano_number"))
    unplaced |= {"volcanoes": [], "primary_date": None, "secondary_dates": [], "files": {}}
    Record(folder).add(unplaced)
    return folder


def test_a_history_has_each_pixels_share_and_the_strongest(record):
    frames, volcanoes = histories(Record(record).rows(), record)
    assert [item.name for item in frames] == ["079D_07694_131313", "without a place"]
    assert [item.name for item in volcanoes] == ["Erta Ale"]
    frame = frames[0]
    assert frame.last_look == "2017-04-09" and frame.last_deformation["probability"] == 0.97
    assert frame.strongest(STRONGEST)[0]["probability"] == 0.97
    found = marked_map(frame, record)
    assert found.looks == 8
    assert np.nanmax(found.share) == pytest.approx(2 / 8)
    west, south, east, north = 40.6, 13.5, 41.0, 13.9
    assert found.extent == pytest.approx((west, east, south, north))
    rows, columns = np.nonzero(np.nan_to_num(found.share) > 0)
    height, width = found.share.shape
    assert rows.min() / height == pytest.approx(0.25, abs=0.01)
    assert (rows.max() + 1) / height == pytest.approx(0.5, abs=0.01)
    assert columns.min() / width == pytest.approx(0.25, abs=0.01)
    assert np.isnan(found.share[:, 0]).all()
    assert marked_map(frames[1], record) is None


def test_a_volcano_far_from_the_place_has_the_probability_that_is_there(record, tmp_path):
    made = answer("20170103", "20170115", 0.97) | {
        "place": {"longitude": 40.99, "latitude": 13.89},
        "volcano": None,
        "volcano_number": None,
        "volcano_distance_km": None,
    }
    add_pair(tmp_path, made, slice(0, 20))  # marked 30 km away from the summit, at the upper edge
    (row,) = Record(tmp_path).rows()
    assert row["decision"] == "Deformation"
    _, (volcano,) = histories([row], tmp_path)
    (seen,) = volcano.rows
    assert seen["probability"] == pytest.approx(0.01) and not seen["alarm"]


def test_bars_run_from_primary_to_secondary_in_their_colour(record):
    frames, _ = histories(Record(record).rows(), record)
    figure = draw_history(frames[0], record)
    (bars,) = figure.axes[0].collections
    segments = bars.get_segments()
    assert len(segments) == 8
    lengths = {round(float(np.ptp(segment[:, 0]))) for segment in segments}
    heights = [segment[0, 1] for segment in segments]
    assert lengths == {12} and heights[-1] == pytest.approx(0.97)
    assert tuple(bars.get_colors()[-1][:3]) == pytest.approx((0.847, 0.106, 0.376), abs=0.01)
    draw_history(frames[1], record)  # no dates, no rasters, no picture


def test_low_coherence_is_pale(record):
    rows = [{**row, "mean_coherence": 0.05} for row in Record(record).rows()]
    frames, _ = histories(rows, record)
    (bars,) = draw_history(frames[0], record).axes[0].collections
    assert (bars.get_colors()[:, 3] < 0.4).all()


@pytest.mark.browser
def test_the_page_in_a_browser_on_a_desk_and_on_a_phone(record, browser):
    main(["timeline", str(record)])
    page_file = record / "index.html"
    assert "http" not in page_file.read_text().replace("http-equiv", "")  # self-contained
    for width in (1200, 360):
        page = browser.new_page(viewport={"width": width, "height": 700})
        problems = []
        page.on("pageerror", lambda error, problems=problems: problems.append(error))
        page.goto(page_file.as_uri())
        assert "Erta Ale" in page.inner_text("table") and "2017-04-09" in page.inner_text("table")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("svg path").count() == 16
        href = page.locator("a", has_text="Erta Ale").first.get_attribute("href")
        with Image.open(record / href) as picture:
            assert picture.width > 1000
        assert not problems
