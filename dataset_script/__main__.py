"""Make, inspect, export and look at minicubes: `python -m dataset_script --help`."""

from __future__ import annotations

import argparse
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from dataset_script.annotations.splits import SPLITS
from dataset_script.errors import readable_errors
from dataset_script.rows.options import option_fields
from dataset_script.shards.options import ExportOptions
from dataset_script.synthetic.options import SynthesisOptions

Command = Callable[[argparse.Namespace], None]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line (None: the process's own); a mistake in it is one line and exit 1."""
    parsed = _parser().parse_args(arguments)
    with readable_errors():
        parsed.run(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dataset_script",
        description="Hephaestus Minicubes: from datacubes of interferograms to Hub-ready datasets.",
        epilog="python -m dataset_script COMMAND --help shows a command's options and examples.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, run: Command, summary: str, examples: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    _add_synthesize(add)
    _add_inspect(add)
    _add_export(add)
    _add_show(add)
    return parser


def _add_synthesize(add: Callable[..., argparse.ArgumentParser]) -> None:
    command = add(
        "synthesize",
        _synthesize,
        "write physics-made minicubes with annotations, in the real layout",
        "  python -m dataset_script synthesize cubes --frames 3 --seed 0\n"
        "  python -m dataset_script synthesize cubes --height 1070 --width 1409 --archive zip",
    )
    command.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    _add_fields(command, SynthesisOptions, {}, ("progress",))


def _add_inspect(add: Callable[..., argparse.ArgumentParser]) -> None:
    command = add(
        "inspect",
        _inspect,
        "print what a folder of cubes, of annotations, or of both holds, and what is wrong",
        "  python -m dataset_script inspect cubes\n"
        "  python -m dataset_script inspect annotations/annotations.json",
    )
    option = command.add_argument
    option("path", metavar="PATH", help="folder, cube, annotations or URL")
    option("--deep", action="store_true", help="decode every raster too")
    option("--json", action="store_true", help="print the report for programs")


def _add_export(add: Callable[..., argparse.ArgumentParser]) -> None:
    command = add(
        "export",
        _export,
        "write a Hub-ready dataset, OUT/hephaestus-minicubes",
        "  python -m dataset_script export cubes out --config ts1 --config ts3\n"
        "  python -m dataset_script export cubes out --config groups --split strict --workers 8\n"
        "  python -m dataset_script export cubes out --format arrow --atmosphere 33\n"
        "  python -m dataset_script export cubes out --split dates --train-dates 2014:2018 "
        "--validation-dates 2019 --test-dates 2020 2021\n\n"
        "An interrupted export continues where it stopped when the same command is repeated.",
    )
    option = command.add_argument
    option("minicubes", metavar="MINICUBES", help="folder (or fsspec URL) of cubes")
    option("out", type=Path, metavar="OUT", help="folder to write hephaestus-minicubes/ into")
    shapes: dict[str, dict[str, Any]] = {
        "configs": {"action": "append", "metavar": "NAME"},
        "channels": {"nargs": "+", "metavar": "NAME"},
        "atmosphere": {"metavar": "full|NODES"},
        "annotations": {"metavar": "PATH"},
        **{f"{name}_dates": {"nargs": "+", "metavar": "PERIOD"} for name in SPLITS},
        "max_samples_per_shard": {"type": int, "metavar": "N"},
        "dask": {"metavar": "tcp://HOST:PORT"},
    }
    _add_fields(command, ExportOptions, shapes, ("shard_bytes", "progress"))


def _add_fields(
    command: argparse.ArgumentParser,
    options: type,
    shapes: dict[str, dict[str, Any]],
    left_out: Sequence[str],
) -> None:
    """Add an option for each field of a dataclass; `shapes` has what its type does not say."""
    for name, (kind, default, told) in option_fields(options).items():
        if name in left_out:
            continue
        shape = shapes.get(name, {})
        if kind is bool:
            shape = {"action": argparse.BooleanOptionalAction if default else "store_true"}
        elif kind is int:
            shape = {"type": int}
        elif choices := typing.get_args(kind) if typing.get_origin(kind) is Literal else ():
            shape = {"choices": choices}
        if name not in shapes and kind is not bool:
            told += f" (default {default})"
        flag = "config" if name == "configs" else name.replace("_", "-")
        # What is left out is absent, so that the defaults are those of the dataclass alone.
        command.add_argument(f"--{flag}", dest=name, default=argparse.SUPPRESS, help=told, **shape)


def _add_show(add: Callable[..., argparse.ArgumentParser]) -> None:
    command = add(
        "show",
        _show,
        "draw contact sheets of samples: every channel, with unit and colour bar",
        "  python -m dataset_script show cubes --image-size 256\n"
        "  python -m dataset_script show out/hephaestus-minicubes --split test --count 4\n"
        "  python -m dataset_script show cubes --sample 106A_09090_000404/20200301",
    )
    option = command.add_argument
    option("paths", nargs="+", metavar="PATH", help="cubes, or exported datasets")
    option("--config", default="ts3", metavar="NAME", help="ts<N> or groups (default %(default)s)")
    option("--split", metavar="NAME", help="train, validation or test (default all)")
    option(
        "--sample",
        action="append",
        default=[],
        metavar="ID",
        help="id or its beginning: FRAME, FRAME/YYYYMMDD, ...; repeatable (default any, those "
        "with deformation first)",
    )
    option("--count", type=int, default=1, help="sheets of each PATH (default %(default)s)")
    option("--image-size", type=int, default=512, help="side of the crop, for cubes (default 512)")
    option(
        "--output", type=Path, default=Path("sheets"), help="folder to write (default %(default)s)"
    )


def _synthesize(parsed: argparse.Namespace) -> None:
    from dataset_script.synthetic.pipeline import synthesize

    synthesize(**_given(parsed))
    print(f"wrote {parsed.out}; next: python -m dataset_script inspect {parsed.out}")


def _inspect(parsed: argparse.Namespace) -> None:
    from dataset_script.source.inspection import inspect
    from dataset_script.source.report_text import report_text

    report = inspect(parsed.path, parsed.deep)
    print(report.to_json() if parsed.json else report_text(report))
    if report.errors:
        raise SystemExit(1)


def _export(parsed: argparse.Namespace) -> None:
    from dataset_script.annotations.json_files import load_json
    from dataset_script.export import export

    folder = export(**_given(parsed))
    counts = load_json(folder / "metadata.json")
    if counts["warnings"] or counts["set_aside"]:
        said = f"{counts['warnings']} warnings, {counts['set_aside']} errors set aside"
        print(f"{said}: {folder / 'problems.json'} has them")
    print(f"wrote {folder}")


def _given(parsed: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(parsed).items() if name != "run"}


def _show(parsed: argparse.Namespace) -> None:
    from dataset_script.pictures.contact_sheet import file_name, save_sheet
    from dataset_script.shards.finding import find_samples

    taken: set[str] = set()
    for path in parsed.paths:
        rows = find_samples(
            path, parsed.config, parsed.split, parsed.sample, parsed.count, parsed.image_size
        )
        for row in rows:
            name = file_name(row, taken)
            taken.add(name)
            print(save_sheet(row, parsed.output / name))


if __name__ == "__main__":
    main()
