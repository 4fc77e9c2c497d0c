"""What a record adds to single answers, on simulated frames of five years.

    python -m benchmarks.five_years FOLDER --frame 0 --frame 4      # first: judges the pairs
    python -m benchmarks.record FOLDER                              # the figures
    python -m benchmarks.record FOLDER --record OUT --only FRAME    # a frame's record, to look at

A pair is positive where a source moves visible ground by half a fringe or more, and negative below
a tenth; in between an expert might say either. The rules see pairs in the order in which they come.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.transform import from_origin

from benchmarks.five_years import read_frame
from dataset_script.synthetic.ground.grid import PIXEL_DEGREES
from hub.inference.outputs import save_prediction
from hub.inference.prediction import Prediction
from hub.record.calibration import FrameLimit, quiet_limit
from hub.record.columns import Row
from hub.record.evidence import AIR, INDEPENDENT, weigh
from hub.record.table import Record
from hub.repos.loading import IN_THE_BOX, find_published
from hub.scenes.scene import make_scene

SEEN, UNSEEN = 0.5, 0.1
"""Fringes of visible motion from which a pair is positive, and below which it is negative."""
PAST = datetime.date(2018, 1, 1)
"""Quiet pairs that end before it make the frame's own limit; later ones measure it."""


def read_rows(folder: Path, limits: tuple[float, float]) -> list[Row]:
    """A judged frame as rows of a record, each with `fringes`, its largest visible motion."""
    _, paths = read_frame(folder)
    return [_row(path, number, folder.name, limits) for number, path in enumerate(paths, start=1)]


def _row(path: Path, serial: int, frame: str, limits: tuple[float, float]) -> Row:
    first, second = _days(path)
    with np.load(path) as kept:
        found = float(kept["image_probability"])
        motion = np.abs(kept["motion"].astype(np.float32)) * kept["visible"]
        mask = np.nan_to_num(kept["probability"], nan=-1) >= 0.5
        coherence, place = kept["coherence"], kept["place"]
    inside = mask if mask.any() else coherence > 0
    low, high = limits
    decision = "Deformation" if found >= high else "Non_Deformation" if found < low else "Unsure"
    return {
        "serial": serial, "scene": path.stem, "frame": frame, "settings": "",
        "primary_date": first.isoformat(), "secondary_dates": [second.isoformat()],
        "probability": found, "deformation_from": high, "decision": decision,
        "longitude": float(place[0]), "latitude": float(place[1]), "row": None, "column": None,
        "mean_coherence": float(coherence[inside].mean()) / 255,
        "fringes": float(motion.max() / (2 * np.pi)),
    }  # fmt: skip


def _days(path: Path) -> tuple[datetime.date, datetime.date]:
    first, second = path.stem.split("_")
    return datetime.date.fromisoformat(first), datetime.date.fromisoformat(second)


def as_they_come(
    rows: Sequence[Row], limits: dict[str, FrameLimit]
) -> Iterator[tuple[str, list[Row]]]:
    """Each secondary date, and the rows up to it as the record would have had them that day."""
    for day in sorted({row["secondary_dates"][0] for row in rows}):
        earliest = (datetime.date.fromisoformat(day) - datetime.timedelta(120)).isoformat()
        known = [dict(row) for row in rows if earliest <= row["secondary_dates"][0] <= day]
        weigh(known, limits)
        yield day, known


def measure(
    rows: list[Row], truth: dict[str, Any], limits: dict[str, FrameLimit]
) -> dict[str, Any]:
    """Recall of pairs, false alarms a year and days to the first verdict, by policy."""
    policies: dict[str, Callable[[Row], bool]] = {
        "pairs alone": lambda row: row["flagged"],
        "shared-date rule": lambda row: row["flagged"] and row["evidence"] != AIR,
        "independent only": lambda row: row["flagged"] and row["evidence"] == INDEPENDENT,
    }
    final = [dict(row) for row in rows]
    weigh(final, limits)
    for row in final:
        row["flagged"] = row["evidence"] is not None
    positive = [row for row in final if row["fringes"] >= SEEN]
    negative = [row for row in final if row["fringes"] < UNSEEN]
    days = [datetime.date.fromisoformat(row["secondary_dates"][0]) for row in rows]
    years = max(1e-9, (max(days) - min(days)).days / 365.25)
    result: dict[str, Any] = {
        "pairs": len(rows),
        "positive": len(positive),
        "years": round(years, 2),
    }
    for name, alarm in policies.items():
        result[name] = {
            "recall": sum(map(alarm, positive)) / max(1, len(positive)),
            "false a year": sum(map(alarm, negative)) / years,
        }
    onsets = _onsets(truth, rows)
    firsts: dict[str, dict[str, str]] = {name: {} for name in policies}
    raised: dict[str, set[str]] = {name: set() for name in policies}
    unseen = {row["scene"] for row in negative}
    for day, known in as_they_come(rows, limits):
        for row in known:
            row["flagged"] = row["evidence"] is not None
            for name, alarm in policies.items():
                if not alarm(row):
                    continue
                if row["scene"] in unseen:
                    raised[name].add(row["scene"])
                for onset in onsets:
                    if (
                        row["primary_date"] <= onset < row["secondary_dates"][0]
                        and row["fringes"] >= SEEN
                    ):
                        firsts[name].setdefault(onset, day)
    for name in policies:
        delays = [
            (datetime.date.fromisoformat(day) - datetime.date.fromisoformat(onset)).days
            for onset, day in sorted(firsts[name].items())
        ]
        result[name] |= {
            "false a year, ever raised": len(raised[name]) / years,
            "episodes seen": f"{len(delays)} of {len(onsets)}",
            "days to the first verdict": delays,
        }
    return result


def _onsets(truth: dict[str, Any], rows: Sequence[Row]) -> list[str]:
    """First days of the episodes that a pair can see: some pair across it is positive."""
    begin = datetime.date.fromisoformat(min(row["primary_date"] for row in rows))
    start = datetime.date(2016, 1, 3)
    found = set()
    for episode in truth["episodes"]:
        day = start + datetime.timedelta(episode["start"])
        if day >= begin:
            found.add(day.isoformat())
    return [
        onset
        for onset in sorted(found)
        if any(
            row["primary_date"] <= onset < row["secondary_dates"][0] and row["fringes"] >= SEEN
            for row in rows
        )
    ]


def build_record(folder: Path, output: Path) -> None:
    """Add a judged frame to a record, pair by pair in the order in which they came."""
    facts = find_published(IN_THE_BOX)
    record = Record(output)
    truth, paths = read_frame(folder)
    for path in paths:
        first, second = _days(path)
        with np.load(path) as kept:
            scene = make_scene(
                f"{folder.name}_{path.stem}",
                kept["phase"],
                kept["coherence"],
                kept["dem"],
                transform=from_origin(*truth["corner"], PIXEL_DEGREES, PIXEL_DEGREES),
                crs="EPSG:4326",
                primary_date=first,
                secondary_dates=(second,),
            )
            found = float(kept["image_probability"])
            prediction = Prediction(
                scene, facts.facts, facts.name, facts.revision, facts.weights,
                kept["probability"], found, {}, facts.facts.threshold, facts.facts.limits,
                (float(kept["place"][0]), float(kept["place"][1])),
            )  # fmt: skip
        key = {"input": scene.fingerprint(), "weights": facts.weights}
        kinds = ("probability", "mask", "styles", "geojson", "quicklook", "json")
        paths_of = save_prediction(prediction, output, key, kinds)
        files = {kind: item.name for kind, item in paths_of.items()}
        record.add({**prediction.summary(), "files": files, "made_from": key, "source": str(path)})
    record.flush()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--record", type=Path, help="build a record here instead of measuring")
    parser.add_argument("--only", help="this frame alone")
    args = parser.parse_args()
    facts = find_published(IN_THE_BOX).facts
    results = {}
    for truth_file in sorted(args.folder.glob("*/truth.json")):
        folder = truth_file.parent
        if args.only and folder.name != args.only:
            continue
        if args.record:
            build_record(folder, args.record)
            continue
        truth, _ = read_frame(folder)
        rows = read_rows(folder, facts.limits)
        past = [dict(row) for row in rows if date_before(row) and row["fringes"] < UNSEEN]
        weigh(past, {})
        own = quiet_limit([0 if row["evidence"] == AIR else row["probability"] for row in past])
        limit = FrameLimit(max(own, facts.limits[1]), len(past), "", "", "")
        late = [row for row in rows if row["primary_date"] >= PAST.isoformat()]
        if not late:
            continue  # it is still being judged
        results[folder.name] = {
            "climate": truth["climate"],
            "turbulence": truth.get("turbulence", 1.0),
            "own limit": round(limit.deformation_from, 4),
            "five years": measure(rows, truth, {}),
            "after the past, model's limit": measure(late, truth, {}),
            "after the past, own limit": measure(late, truth, {folder.name: limit}),
        }
    if results:
        print(json.dumps(results, indent=1))


def date_before(row: Row) -> bool:
    """Whether a pair lies in the past that the frame's own limit is made from."""
    return row["secondary_dates"][0] < PAST.isoformat()


if __name__ == "__main__":
    main()
