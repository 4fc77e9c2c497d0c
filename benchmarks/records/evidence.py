"""What a record adds to single answers, on simulated frames of five years.

    python -m benchmarks.records.five_years FOLDER               # first: judges the pairs
    python -m benchmarks.records.evidence FOLDER                 # the figures, as tables
    python -m benchmarks.records.evidence FOLDER --record OUT --only FRAME    # a record to look at

A pair is positive where a source moves visible ground by half a fringe or more, and negative below
a tenth; in between an expert might say either. The rules see pairs in the order in which they come.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.transform import from_origin

from benchmarks.records.five_years import read_frame
from benchmarks.records.tables import tables
from dataset_script.synthetic.ground.grid import PIXEL_DEGREES
from hub.inference.outputs import save_prediction
from hub.inference.prediction import Prediction
from hub.record.calibration import FrameLimit, quiet_limit
from hub.record.columns import Row
from hub.record.evidence import AIR, INDEPENDENT, weigh
from hub.record.table import Record
from hub.repos.loading import IN_THE_BOX, PublishedModel, find_published
from hub.scenes.scene import make_scene
from training.evaluation.scenes import Support

SEEN, UNSEEN = 0.5, 0.1
"""Fringes of visible motion from which a pair is positive, and below which it is negative."""
PAST = datetime.date(2018, 1, 1)
"""Quiet pairs that end before it make the frame's own limit; later ones measure it."""

POLICIES: dict[str, Callable[[Row], bool]] = {
    "each pair alone": lambda row: row["flagged"],
    "without air": lambda row: row["flagged"] and row["alarm"],
    "alarms": lambda row: row["alarm"],
    "independent alone": lambda row: row["evidence"] == INDEPENDENT,
}
"""By what a pair is called deforming: the limit; also the dates that it shares; also unsure pairs
that agree, which is what the record calls an alarm; and only what independent dates agree on."""


def read_rows(folder: Path, model: PublishedModel) -> list[Row]:
    """A judged frame as rows of a record, each with `fringes`, its largest visible motion."""
    truth, paths = read_frame(folder)
    return [
        _row(path, number, folder.name, read_prediction(path, folder.name, truth, model))
        for number, path in enumerate(paths, start=1)
    ]


def _row(path: Path, serial: int, frame: str, prediction: Prediction) -> Row:
    first, second = _days(path)
    with np.load(path) as kept:
        motion = np.abs(kept["motion"].astype(np.float32)) * kept["visible"]
    verdict = prediction.verdict
    return {
        "serial": serial, "scene": path.stem, "frame": frame, "settings": "",
        "primary_date": first.isoformat(), "secondary_dates": [second.isoformat()],
        "probability": prediction.image_probability, "deformation_from": prediction.limits[1],
        "decision": verdict.decision, "row": None, "column": None, **verdict.place,
        "mean_coherence": prediction.mean_coherence,
        "fringes": float(motion.max() / (2 * np.pi)),
    }  # fmt: skip


def read_prediction(
    path: Path, frame: str, truth: dict[str, Any], model: PublishedModel
) -> Prediction:
    """A pair's kept answer as the prediction that it was."""
    first, second = _days(path)
    facts = model.facts
    with np.load(path) as kept:
        scene = make_scene(
            f"{frame}_{path.stem}",
            kept["phase"],
            kept["coherence"],
            kept["dem"],
            transform=from_origin(*truth["corner"], PIXEL_DEGREES, PIXEL_DEGREES),
            crs="EPSG:4326",
            primary_date=first,
            secondary_dates=(second,),
        )
        probability, place = kept["probability"], kept["place"]
        found = float(kept["image_probability"])
    return Prediction(
        scene, facts, model.name, model.revision, model.weights, probability, found, {},
        facts.threshold, facts.limits, (float(place[0]), float(place[1])),
        Support(probability, ~scene.nodata).evidence(),
    )  # fmt: skip


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
    final = [dict(row) for row in rows]
    weigh(final, limits)
    for row in final:
        row["flagged"] = _flagged(row)
    positive = [row for row in final if row["fringes"] >= SEEN]
    negative = [row for row in final if row["fringes"] < UNSEEN]
    days = [datetime.date.fromisoformat(row["secondary_dates"][0]) for row in rows]
    years = max(1e-9, (max(days) - min(days)).days / 365.25)
    result: dict[str, Any] = {
        "pairs": len(rows),
        "positive": len(positive),
        "years": round(years, 2),
    }
    for name, alarm in POLICIES.items():
        result[name] = {
            "seen": sum(map(alarm, positive)),
            "recall": sum(map(alarm, positive)) / max(1, len(positive)),
            "false a year": sum(map(alarm, negative)) / years,
        }
    onsets = _onsets(truth, rows)
    firsts: dict[str, dict[str, str]] = {name: {} for name in POLICIES}
    raised: dict[str, set[str]] = {name: set() for name in POLICIES}
    unseen = {row["scene"] for row in negative}
    for day, known in as_they_come(rows, limits):
        for row in known:
            row["flagged"] = _flagged(row)
            for name, alarm in POLICIES.items():
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
    for name in POLICIES:
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


def _flagged(row: Row) -> bool:
    limit = row["frame_deformation_from"] or row["deformation_from"]
    return bool(row["probability"] >= limit)


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


def build_record(folder: Path, output: Path, model: PublishedModel) -> None:
    """Add a judged frame to a record, pair by pair in the order in which they came."""
    record = Record(output)
    truth, paths = read_frame(folder)
    for path in paths:
        prediction = read_prediction(path, folder.name, truth, model)
        key = {"input": prediction.scene.fingerprint(), "weights": model.weights}
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
    model = find_published(IN_THE_BOX)
    facts = model.facts
    results: dict[str, dict[str, Any]] = {}
    every: list[Row] = []
    for truth_file in sorted(args.folder.glob("*/truth.json")):
        folder = truth_file.parent
        if args.only and folder.name != args.only:
            continue
        if args.record:
            build_record(folder, args.record, model)
            continue
        truth, _ = read_frame(folder)
        rows = read_rows(folder, model)
        past = [dict(row) for row in rows if date_before(row) and row["fringes"] < UNSEEN]
        weigh(past, {})
        own = quiet_limit([0 if row["evidence"] == AIR else row["probability"] for row in past])
        limit = FrameLimit(max(own, facts.limits[1]), len(past), "", "", "")
        late = [row for row in rows if row["primary_date"] >= PAST.isoformat()]
        if not late:
            continue  # it is still being judged
        every += rows
        results[folder.name] = {
            "climate": truth["climate"],
            "turbulence": truth.get("turbulence", 1.0),
            "own limit": round(limit.deformation_from, 4),
            "five years": measure(rows, truth, {}),
            "later, model's limit": measure(late, truth, {}),
            "later, own limit": measure(late, truth, {folder.name: limit}),
        }
    if results:
        print(tables(results, list(POLICIES)))
        years = sum(found["five years"]["years"] for found in results.values())
        found = sum(found["five years"]["alarms"]["seen"] for found in results.values())
        print(f"Pairs alone find as many as the alarms {as_many(every, found, years)}")


def as_many(rows: Sequence[Row], count: int, years: float) -> str:
    """From which limit on pairs alone find so many positive ones, and what that costs."""
    moving = sorted((row["probability"] for row in rows if row["fringes"] >= SEEN), reverse=True)
    limit = moving[count - 1]
    false = sum(row["fringes"] < UNSEEN and row["probability"] >= limit for row in rows)
    return f"from a limit of {limit:.2f} on, with {false / years:.2f} false alarms a frame a year"


def date_before(row: Row) -> bool:
    """Whether a pair lies in the past that the frame's own limit is made from."""
    return row["secondary_dates"][0] < PAST.isoformat()


if __name__ == "__main__":
    main()
