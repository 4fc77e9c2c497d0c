"""Write the made-up annotations that lie beside this file, in the authors' schema.

    python -m tests.data.made_up_annotations

Six frames that no satellite has. The table below is all there is to them.
"""

import datetime
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "annotations"
VOLCANOES = {
    "001A_00001_010101": "Alpha, Beta",
    "002D_00002_020202": "beta, Gamma",
    "003A_00003_030303": "Alpha",
    "004D_00004_040404": "Delta",
    "005A_00005_050505": "Epsilon",
}
"""The first frame joins the two after it, which share nothing; the sixth frame has no name."""

# Frame, primary date, and each secondary date as a date or as days after the one before, followed
# by what is there: - nothing, + deformation, q earthquake; c corrupted, n no_info, p processing
# error; and x for one that timeseries.json leaves out.
GROUPS = """
001A_00001_010101 20190102 12- 12- 12- 12- 12- 12-
001A_00001_010101 20190226 12- 12+ 12- 12- 12-
001A_00001_010101 20190519 20190531- 20190601- 20190612+
001A_00001_010101 20190531 20190606- 20190612-
001A_00001_010101 20190601 12- 12- 12+ 12- 12-
001A_00001_010101 20191225 20191231- 20200101- 20200106-
001A_00001_010101 20191231 20200101+
001A_00001_010101 20200101 6- 6- 6n 6+ 6- 6- 6- 6-
002D_00002_020202 20180301 6- 6q 6+ 6- 6- 6-
002D_00002_020202 20180406 6- 6c 6- 6p 6- 6- 6- 6-x 6-
002D_00002_020202 20190525 20190531q 20190606-
002D_00002_020202 20190705 6- 6- 6- 6+ 6- 6- 6-
002D_00002_020202 20200501 6- 6-
003A_00003_030303 20170101 24-
003A_00003_030303 20190801 24- 24-
003A_00003_030303 20211231 12+
004D_00004_040404 20160704 12c 12n
004D_00004_040404 20160716 12+ 12+ 12+ 12-
004D_00004_040404 20190820 12+ 12-
004D_00004_040404 20210101 12- 12+ 12- 12+
005A_00005_050505 20170301 12- 12- 12- 12-
005A_00005_050505 20190901 12- 12- 12-
005A_00005_050505 20200301 12+ 12- 12-
006D_00006_060606 20150101 12- 12+
006D_00006_060606 20210601 12- 12-
"""
FLAGS = {"c": "corrupted", "n": "no_info", "p": "processing_error"}
KINDS = ("Sill", "Dyke", "Mogi", "Spheroid", "Unidentified")


def record(number, frame, primary, secondary, what):
    moved, quake = what in "+q", what == "q"
    corner = 10.0 + number
    return {
        "uniqueID": number,
        "frameID": frame,
        "primary_date": primary,
        "secondary_date": secondary,
        "corrupted": int(what == "c"),
        "processing_error": 2 * (what == "p"),
        "glacier_fringes": int(number % 17 == 0),
        "orbital_fringes": int(number % 7 == 0),
        "atmospheric_fringes": number % 4,
        "low_coherence": int(number % 5 == 0),
        "no_info": int(what == "n"),
        "image_artifacts": 0,
        "label": ["Earthquake" if quake else "Deformation" if moved else "Non_Deformation"],
        "activity_type": ["Earthquake" if quake else KINDS[number % 5]] if moved else [],
        "intensity_level": ["None" if quake else ("Low", "High")[number % 2]] if moved else [],
        "phase": "None" if quake else "Unrest" if moved else "Rest",
        "confidence": 0.6 if moved else 0.8,
        "segmentation_mask": [[corner, 12.0, corner + 9, 12.0, corner + 9, 21.0]] if moved else [],
        "is_crowd": 0,
        "caption": f"Made up: {'a pattern' if moved else 'no deformation is visible'}.",
    }


def make():
    """The three files' contents, by name."""
    annotations, series = {}, {}
    for line in GROUPS.split("\n")[1:-1]:
        frame, primary, *steps = line.split()
        secondary, listed = primary, []
        for step in steps:
            left_out = step.endswith("x")
            when, what = (step[:-2], step[-2]) if left_out else (step[:-1], step[-1])
            if len(when) == 8:
                secondary = when
            else:
                day = datetime.datetime.strptime(secondary, "%Y%m%d")
                secondary = f"{day + datetime.timedelta(int(when)):%Y%m%d}"
            number = len(annotations) + 1
            annotations[str(number)] = record(number, frame, primary, secondary, what)
            if what not in FLAGS and not left_out:
                listed.append((secondary, number))
        if listed:
            series.setdefault(frame, {})[primary] = {
                "length": len(listed),
                "secondary_date": [date for date, _ in listed],
                "uniqueID": [number for _, number in listed],
            }
    return {
        "annotations.json": annotations,
        "timeseries.json": series,
        "frame_names.json": VOLCANOES,
    }


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in make().items():
        entries = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
        (folder / name).write_text("{\n" + ",\n".join(entries) + "\n}\n")


if __name__ == "__main__":
    write(FOLDER)
