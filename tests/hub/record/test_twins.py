"""What looks alike and is not one: other places, other folders, a pair under two names."""

import io
import itertools
import os

import pytest
import zarr
from PIL import Image

from dataset_script.errors import DataError
from hub.inference.judging import _about
from hub.record.claims import choose_name
from hub.record.columns import dates_of, make_row, plain_source
from hub.record.evidence import weigh
from hub.record.journal import append_entry
from hub.record.reading import JOURNAL, read_rows
from hub.record.sources import source_state
from hub.record.table import Record
from hub.record.views import history as views
from hub.record.views.drawing import draw_history
from hub.record.views.history import History
from hub.record.volcanoes import known_volcanoes
from tests.hub.pointwise import frame_scene
from tests.hub.record.answers import answer, write_and_add

ETNA = {"bounds": [14.8, 37.5, 15.2, 37.9], "place": {"longitude": 15.0, "latitude": 37.75}}
MERAPI = {"bounds": [110.2, -7.8, 110.7, -7.3], "place": {"longitude": 110.45, "latitude": -7.54}}


def weighed(*answers):
    rows = [{**make_row(made), "serial": n} for n, made in enumerate(answers)]
    weigh(rows, {})
    return rows


def hyp3(primary, secondary, probability, **place):
    """An answer as a HyP3 pair has it: no frame."""
    scene = f"{primary}_{secondary}"
    return answer(primary, secondary, probability, scene=scene, frame=None, **place)


def test_a_quiet_pair_of_another_volcano_says_nothing():
    flagged = hyp3("20200101", "20200113", 0.97, **ETNA)
    for quiet in (
        hyp3("20191220", "20200125", 0.05, **MERAPI),
        answer("20191220", "20200125", 0.05, scene="a_20191220_20200125", frame="a", **MERAPI),
        hyp3("20191220", "20200125", 0.05, bounds=None, place={"row": 3, "column": 4}),
    ):
        row, _ = weighed(flagged, quiet)
        assert row["alarm"] and row["evidence"] == "single"
    here, _ = weighed(flagged, hyp3("20191220", "20200125", 0.05, **ETNA))
    assert not here["alarm"] and here["evidence"] == "air"  # the same rule, where it looks there


def test_unsure_pairs_without_a_place_do_not_agree():
    nowhere = {"bounds": None, "place": {"row": 30, "column": 40}}
    rows = weighed(*(hyp3("20200101", f"202001{day}", 0.6, **nowhere) for day in range(13, 22)))
    assert not any(row["alarm"] for row in rows)


def test_a_frame_across_the_antimeridian_sees_its_place():
    east = {"bounds": [179.5, -17.3, 180.5, -16.6], "place": {"longitude": -179.9, "latitude": -17}}
    row, _ = weighed(
        hyp3("20200101", "20200113", 0.97, **east), hyp3("20191220", "20200125", 0.05, **east)
    )
    assert row["evidence"] == "air"


def test_a_pair_under_two_names_has_one_vote():
    flagged = [answer("20170101", "20170125", 0.97), answer("20170113", "20170206", 0.97)]
    quiet = answer("20161220", "20170206", 0.05)
    twin = answer("20161220", "20170206", 0.05, scene="twin")
    assert [row["evidence"] for row in weighed(*flagged, quiet)][:2] == ["one_date"] * 2
    assert [row["evidence"] for row in weighed(*flagged, quiet, twin)][:2] == ["one_date"] * 2
    days = ("20170101", "20170113", "20170125", "20170206")
    unsure = [answer(a, b, 0.6) for a, b in itertools.pairwise(days)]
    unsure.append(answer(days[0], days[-1], 0.6))
    doubled = [{**made, "scene": f"{made['scene']}-2"} for made in unsure]
    assert not any(row["alarm"] for row in weighed(*unsure, *doubled))


@pytest.mark.parametrize("turned", [False, True])
def test_a_pair_whose_primary_is_the_later_date_is_weighed_alike(turned):
    def pair(a, b, probability):
        first, second = (b, a) if turned else (a, b)
        return answer(first, second, probability)

    bad = "20180113"
    flagged = [
        pair("20180101", bad, 0.97),
        pair(bad, "20180125", 0.97),
        pair(bad, "20180206", 0.97),
    ]
    quiet = [
        pair("20171220", "20180125", 0.05),
        pair("20180101", "20180125", 0.05),
        pair("20180101", "20180206", 0.05),
    ]
    rows = weighed(*flagged, *quiet)
    assert [row["evidence"] for row in rows[:3]] == ["air"] * 3
    assert all(list(dates_of(row)) == sorted(dates_of(row)) for row in rows)
    assert all(row["temporal_baseline_days"] > 0 for row in rows)
    assert History("x", "frame", rows).last_look == "2018-02-06"


def identity(**changes):
    return {
        "scene": "x",
        "input": "pixels",
        "source": "incoming/x",
        "frame": None,
        "primary_date": "2020-01-01",
        "secondary_dates": ["2020-01-13"],
        "bounds": [14.8, 37.5, 15.2, 37.9],
    } | changes


def test_a_relative_source_of_another_folder_is_another_scene():
    held = {"x": identity() | {"batch": "before"}}
    assert choose_name(identity(input="new pixels"), held, "now") == "x"
    for other in ({"bounds": [110.2, -7.8, 110.7, -7.3]}, {"secondary_dates": ["2020-01-25"]}):
        assert choose_name(identity(input="new pixels", **other), held, "now") == "x-2"


def test_a_name_that_is_no_text_does_not_poison_a_record(tmp_path):
    label = os.fsdecode(b"in/Lat\xedn/a.npz")
    source = _about(frame_scene(), label)["source"]
    assert source == plain_source(label) == "in/Lat\\udcedn/a.npz"
    record = Record(tmp_path)
    row = make_row(answer("20170103", "20170115")) | {"serial": 1, "source": label}
    append_entry(tmp_path / JOURNAL, {"kind": "row", **row})
    assert record.flush()[0]["source"] == source


def test_a_minicubes_other_rasters_are_part_of_its_state(tmp_path):
    cube = tmp_path / "a.zarr"
    group = zarr.open_group(cube, mode="w", zarr_format=2)
    for name in ("insar_difference", "insar_coherence", "dem"):
        group.create_array(name, shape=(4, 4), chunks=(4, 4), dtype="f4")[:] = 1
    for name in ("insar_coherence", "dem"):
        before = source_state(f"{cube}@20170103_20170115")
        (cube / name / "0.0").unlink()
        zarr.open_group(cube, mode="r+")[name][:] = 2
        assert source_state(f"{cube}@20170103_20170115") != before


def test_frames_of_other_letters_have_pictures_of_their_own():
    names = ("桜島", "浅間", "Etna.asc", "Etna-asc", "Etna_asc")
    assert len({History(name, "frame").slug for name in names}) == len(names)
    assert History("079D_07694_131313", "frame").slug == "frame_079D_07694_131313"


def test_damaged_entries_are_told_or_passed_over(tmp_path):
    write_and_add(tmp_path, answer("20170103", "20170115"))
    append_entry(tmp_path / JOURNAL, {"kind": "touch", "scene": "nobody", "source": "x"})
    assert len(Record(tmp_path).rows()) == 1
    for strange in ({"scene": "x"}, {"kind": "row", "scene": "x"}):
        folder = tmp_path / str(len(str(strange)))
        write_and_add(folder, answer("20170103", "20170115"))
        append_entry(folder / JOURNAL, strange)
        for read in (lambda folder: Record(folder).rows(), read_rows):
            with pytest.raises(DataError, match="none of a record's") as told:
                read(folder)
            assert str(told.value).startswith(str(folder / JOURNAL))


@pytest.mark.parametrize("change", [{"probability": "0.5"}, {"made_from": ["a"]}, {"bounds": "x"}])
def test_a_scenes_file_of_wrong_types_is_not_adopted(tmp_path, change):
    good = answer("20170103", "20170115")
    write_and_add(tmp_path, good)
    from dataset_script.safe_files import write_json

    write_json(tmp_path / "strange.json", answer("20170115", "20170127", scene="strange") | change)
    record = Record(tmp_path)
    assert record.adopt() == 0
    assert [row["scene"] for row in record.flush()] == [good["scene"]]


def test_a_volcano_beyond_the_antimeridian_is_looked_for_where_the_raster_is():
    (taveuni,) = (each for each in known_volcanoes() if each.name == "Taveuni")
    assert taveuni.longitude < 0
    west, _, east, _ = views._around(taveuni, (179.53, -17.3, 180.53, -16.6))
    assert west < taveuni.longitude + 360 < east
    west, _, east, _ = views._around(taveuni, (-180.27, -17.3, -179.27, -16.6))
    assert west < taveuni.longitude < east


def test_air_is_air_for_every_volcano_of_the_scene(tmp_path, monkeypatch):
    (etna,) = (each for each in known_volcanoes() if each.name == "Etna")
    monkeypatch.setattr(views, "_largest_near", lambda row, volcano, folder: 0.95)
    row = {**make_row(answer("20170103", "20170115", 0.97)), "frame_deformation_from": None}
    for evidence, alarm in (("air", False), ("independent", True)):
        weighed_row = {**row, "evidence": evidence, "evidence_note": "why", "alarm": alarm}
        seen = views._seen_from(weighed_row, etna, tmp_path)
        assert seen["probability"] == 0.95 and seen["alarm"] is alarm
        assert seen["evidence"] == ("air" if evidence == "air" else None)


def test_a_picture_that_was_cut_off_stops_no_timeline(tmp_path):
    made = answer("20170103", "20170115", 0.97, files={"quicklook": "a_quicklook.png"})
    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(buffer, "PNG")
    (tmp_path / "a_quicklook.png").write_bytes(buffer.getvalue()[:5000])
    row = weighed(made)[0] | {"superseded": False}
    assert draw_history(History("x", "frame", [row]), tmp_path) is not None
