"""Answers that nobody had to ask a model for, and a process that adds them."""

import datetime
import itertools
import json
import sys

FRAME = "079D_07694_131313"
BOUNDS = [40.6, 13.5, 41.0, 13.9]


def answer(primary, secondary, probability=0.1, weights="w1", threshold=None, **changes):
    """A scene's JSON file of a pair, dates as YYYYMMDD."""
    decision = (
        "Deformation"
        if probability >= 0.9
        else "Unsure"
        if probability >= 0.4
        else "Non_Deformation"
    )
    scene = changes.pop("scene", f"{FRAME}_{primary}_{secondary}")
    made_from = {"input": f"pixels of {scene}", "weights": weights, "threshold": threshold}
    return {
        "scene": scene,
        "frame": FRAME,
        "decision": decision,
        "probability": probability,
        "place": {"longitude": 40.67, "latitude": 13.6},
        "verdict": f"{decision}: probability {probability}",
        "no_deformation_below": 0.4,
        "deformation_from": 0.9,
        "models_disagree": False,
        "second_model": None,
        "second_decision": None,
        "second_probability": None,
        "threshold": 0.5,
        "class_probabilities": {"Deformation": probability},
        "area_km2": 12.0 if probability >= 0.4 else 0.0,
        "patches": 1,
        "mean_coherence": 0.5,
        "max_coherence": 0.9,
        "nodata_fraction": 0.1,
        "primary_date": primary,
        "secondary_dates": [secondary],
        "crs": "EPSG:4326",
        "bounds": BOUNDS,
        "volcano": "Erta Ale",
        "volcano_number": 221080,
        "volcano_distance_km": 0.3,
        "volcano_bearing": 12.0,
        "volcanoes": ["Erta Ale"],
        "model": "m",
        "revision": "local",
        "weights": weights,
        "objective": "segmentation",
        "task": "binary",
        "dataset": "",
        "warnings": ["first", "second"],
        "source": f"/in/{primary}_{secondary}.tif",
        "product": "licsar",
        "files": {"json": f"{scene}.json"},
        "made_from": made_from,
    } | changes


def write_and_add(folder, made):
    """What judging does once a model has answered: the scene's JSON file, then the row."""
    from dataset_script.safe_files import write_json
    from hub.record.table import Record

    write_json(folder / f"{made['scene']}.json", made)
    return Record(folder).add(made)


def many(count, start=0):
    """Answers of pairs of twelve days each."""
    first = datetime.date(2017, 1, 3)
    days = [first + datetime.timedelta(12 * n) for n in range(start, start + count + 1)]
    return [answer(f"{a:%Y%m%d}", f"{b:%Y%m%d}") for a, b in itertools.pairwise(days)]


if __name__ == "__main__":  # python -m tests.hub.record.answers FOLDER START COUNT
    from pathlib import Path

    from hub.record.table import Record

    place, begin, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    Record(place).adopt()
    for made in many(number, begin):
        write_and_add(place, json.loads(json.dumps(made)))
        print("added", flush=True)
    Record(place).flush()
