"""A small made-up set of annotations: `python -m tests.made_up.make` writes the files beside this.

It has what the splits and the time series turn on: dates on both sides of each boundary and on it,
pairs that cross one, volcanoes that two frames share, groups longer and shorter than a series of
three, positives early and late in a group, an earthquake, and annotations that the quality rule
drops. Nothing in it is a real annotation.
"""

import datetime
import json
from pathlib import Path

FOLDER = Path(__file__).parent
VOLCANOES = {
    "001A_00001_010101": "Alpha",
    "002D_00002_010101": "Beta, alpha",
    "003A_00003_010101": "Gamma",
    "004D_00004_010101": "Delta, Epsilon",
}
# Frame, primary date, secondary dates (or how many, every six days), positives, unusable ones.
GROUPS = (
    ("001A_00001_010101", "20190520", 5, (1,), ()),
    ("001A_00001_010101", "20190531", 3, (), ()),
    ("001A_00001_010101", "20190601", 4, (), ()),
    ("001A_00001_010101", "20191231", 2, (), ()),
    ("001A_00001_010101", "20200101", 7, (3,), ()),
    ("002D_00002_010101", "20180105", 6, (), ()),
    ("002D_00002_010101", "20180111", 6, (0,), ()),
    ("002D_00002_010101", "20180117", 1, (), ()),
    ("002D_00002_010101", "20190713", 5, (4,), ()),
    ("003A_00003_010101", "20170301", 4, (0, 3), ()),
    ("003A_00003_010101", "20170307", 2, (), (1,)),
    ("003A_00003_010101", "20200612", 4, (), (2,)),
    ("004D_00004_010101", "20190525", ("20190531", "20190601"), (), ()),
    ("004D_00004_010101", "20191226", ("20191231", "20200101"), (), ()),
    ("004D_00004_010101", "20210203", 9, (), ()),
)
UNUSABLE = ("corrupted", "no_info")


def records():
    """Annotation records by number, in the authors' schema."""
    made = {}
    for frame, primary, secondaries, positive, unusable in GROUPS:
        if isinstance(secondaries, int):
            first = datetime.datetime.strptime(primary, "%Y%m%d")
            days = [first + datetime.timedelta(6 * (i + 1)) for i in range(secondaries)]
            secondaries = [f"{day:%Y%m%d}" for day in days]
        for step, secondary in enumerate(secondaries):
            deforms, quake = step in positive, frame.startswith("003A") and step == 3
            number = len(made) + 1
            flags = dict.fromkeys(("corrupted", "processing_error", "no_info"), 0)
            if step in unusable:
                flags[UNUSABLE[number % 2]] = 1
            made[str(number)] = {
                "uniqueID": number,
                "frameID": frame,
                "primary_date": primary,
                "secondary_date": secondary,
                **flags,
                "glacier_fringes": 0,
                "orbital_fringes": number % 2,
                "atmospheric_fringes": number % 4,
                "low_coherence": 0,
                "image_artifacts": 0,
                "label": [
                    ("Earthquake" if quake else "Deformation") if deforms else "Non_Deformation"
                ],
                "activity_type": [("Earthquake" if quake else "Mogi")] if deforms else [],
                "intensity_level": ["Low"] if deforms and not quake else [],
                "phase": ("None" if quake else "Unrest") if deforms else "Rest",
                "confidence": 0.8,
                "segmentation_mask": [[3.0, 3.0, 9.0, 3.0, 9.0, 8.0]] if deforms else [],
                "is_crowd": 0,
                "caption": f"Made-up pair {number}.",
            }
    return made


def timeseries(made):
    """The groups of the usable records, in the schema of `timeseries.json`."""
    groups = {}
    for record in made.values():
        if record["corrupted"] or record["no_info"]:
            continue
        frame = groups.setdefault(record["frameID"], {})
        group = frame.setdefault(
            record["primary_date"], {"length": 0, "secondary_date": [], "uniqueID": []}
        )
        group["length"] += 1
        group["secondary_date"].append(record["secondary_date"])
        group["uniqueID"].append(record["uniqueID"])
    return groups


def files():
    """Text of each file by name."""
    made = records()
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(record)}" for key, record in made.items())
    return {
        "annotations.json": f"{{{lines}}}\n",
        "timeseries.json": json.dumps(timeseries(made)) + "\n",
        "frame_names.json": json.dumps(VOLCANOES) + "\n",
    }


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text)
