"""The commands about records in time, and about finding: watch, timeline, stac, find."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_script.annotations.splits import SPLITS

if TYPE_CHECKING:
    from hub.scenes.products.product import ReadOptions

Add = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]
"""Adds a command to the command line: its name, what runs it, what it does."""


def add_more_commands(add: Add) -> None:
    """Add the commands to the command line."""
    watch = add("watch", _watch, "judge what is new in folders of interferograms, for a record")
    watch.formatter_class = argparse.RawDescriptionHelpFormatter
    watch.usage = "%(prog)s [options] --output RECORD [MODEL] SOURCE [SOURCE ...]"
    watch.epilog = (
        "A SOURCE is what `predict` takes; a file that has not changed is not read again.\n"
        "The last line is new=N deformation=N failed=N. Exit status: 0 nothing to tell,\n"
        "4 new deformation, 1 an input or a notification failed, 5 both. With --every it goes\n"
        "on until it is stopped."
    )
    watch.add_argument("inputs", metavar="[MODEL] SOURCE", nargs="+", help="see below")
    watch.add_argument("--output", type=Path, required=True, metavar="RECORD", help="where to")
    watch.add_argument("--every", metavar="TIME", help="look again after 30m, 6h or 1d, for ever")
    watch.add_argument(
        "--notify", metavar="COMMAND", help="run for each new deformation, its JSON on stdin"
    )
    watch.add_argument(
        "--calibrate-on",
        metavar="PERIOD",
        help="a quiet past, 2017 or 2017-01:2018-06: frames get limits of their own from it",
    )
    add_prediction_options(watch)
    timeline = add("timeline", _timeline, "draw a record's history, and write its index.html")
    timeline.add_argument("record", type=Path, metavar="RECORD", help="a folder of predictions")
    stac = add("stac", _stac, "describe a record as a STAC collection, for any STAC browser")
    stac.add_argument("record", type=Path, metavar="RECORD", help="a folder of predictions")
    stac.add_argument("--href", metavar="URL", help="where the record will be served from")
    find = add("find", _find, "find a dataset's interferograms by a sentence")
    find.epilog = (
        'for example: python -m hub find MODEL DATASET "a sill of high intensity without '
        'atmosphere". The words are those of captions: kinds of source, their intensity and place, '
        "the atmosphere, noise, fringes (docs/finding.md)."
    )
    find.add_argument("model", metavar="MODEL", help="a packaged retriever, or NS/NAME")
    find.add_argument("dataset", metavar="DATASET", help="an exported dataset, or its Hub name")
    find.add_argument("sentence", metavar="SENTENCE", help="what to look for, in quotes")
    find.add_argument("--top", type=int, default=10, metavar="N", help="how many to show (10)")
    find.add_argument("--split", choices=SPLITS, help="search this one alone")
    find.add_argument(
        "--config", default="", help="of the dataset; ts<T> of the model's number of steps"
    )
    find.add_argument("--output", type=Path, metavar="PNG", help="also draw a contact sheet")
    find.add_argument("--revision", help="branch, tag or commit of the model's repository")


def add_prediction_options(command: argparse.ArgumentParser) -> None:
    """Add how to judge, and on how many processes."""
    command.add_argument(
        "--classifier", metavar="MODEL", help="a second opinion beside a segmentation model"
    )
    command.add_argument(
        "--captions", metavar="MODEL", help="a model that writes a sentence about each scene"
    )
    command.add_argument("--threshold", type=float, help="in place of the model's own")
    command.add_argument("--revision", help="branch, tag or commit of the model's repository")
    command.add_argument("--device", help="cpu or cuda; a GPU if there is one")
    command.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that judge scenes (1)"
    )
    command.add_argument("--dask", metavar="ADDRESS", help="use a Dask cluster, tcp://host:8786")
    _add_reading_options(command)


def _add_reading_options(command: argparse.ArgumentParser) -> None:
    from hub.scenes.rasters.units import FACTORS

    insist = command.add_argument_group("insist", "against what files say or look like")
    insist.add_argument(
        "--units", choices=list(FACTORS), help="unit of the phase, if its values are not radians"
    )
    insist.add_argument(
        "--as",
        dest="read_as",
        choices=["phase"],
        help="take the named files as phase, whatever their names say",
    )
    insist.add_argument(
        "--band", type=int, metavar="N", help="band of the phase, from 1, in files of several"
    )
    insist.add_argument(
        "--coherence",
        type=Path,
        action="append",
        metavar="FILE",
        help="coherence of the phase, or of the phase of the same dates; may be repeated",
    )
    insist.add_argument(
        "--coherence-scale",
        type=float,
        metavar="S",
        help="what a coherence of 1 is stored as: 1, 100, 255, 1000",
    )
    insist.add_argument(
        "--elevation", type=Path, metavar="FILE", help="elevation in metres, for all"
    )


def reading_options(args: argparse.Namespace) -> ReadOptions:
    """What the user insists on when inputs are read.

    Raises:
        HephaestusError: If a named file does not exist.
    """
    from hub.scenes.load import read_options

    return read_options(
        units=args.units,
        role=args.read_as,
        coherence_scale=args.coherence_scale,
        coherence=args.coherence or (),
        elevation=args.elevation,
        band=args.band,
        outside=True,
    )


def prediction_options(args: argparse.Namespace) -> dict[str, object]:
    """What `add_prediction_options` added, as `predict_many` takes it."""
    names = ("classifier", "captions", "threshold", "revision", "device", "workers", "dask")
    return {name: getattr(args, name) for name in names}


def _watch(args: argparse.Namespace) -> None:
    from hub.repos.loading import split_model
    from hub.watching.watch import look, parse_interval, watch

    model, sources = split_model(args.inputs)
    once = partial(
        look,
        model,
        sources,
        args.output,
        notify=args.notify,
        calibrate_on=args.calibrate_on,
        options=reading_options(args),
        **prediction_options(args),
    )
    every = parse_interval(args.every) if args.every else None
    status = watch(once, every, partial(print, flush=True))
    if status:
        raise SystemExit(status)


def _timeline(args: argparse.Namespace) -> None:
    from hub.record.views.timeline import write_timeline

    print(write_timeline(args.record))


def _find(args: argparse.Namespace) -> None:
    from hub.finding.finding import ALL, find

    found = find(
        args.model,
        args.dataset,
        args.sentence,
        top=args.top,
        splits=args.split or ALL,
        config=args.config,
        revision=args.revision,
    )
    print(found.to_text())
    for part in found.strange:
        print(f"note: captions have no word {part!r}: the model has not learnt it", file=sys.stderr)
    if args.output:
        from hub.finding.sheet import save_found

        print(save_found(found, args.output))


def _stac(args: argparse.Namespace) -> None:
    from hub.record.views.stac import write_stac

    print(write_stac(args.record, args.href))
