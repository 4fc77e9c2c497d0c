"""Minicubes to a folder that is ready for the Hub: resumable, parallel, the same bytes each time.

Which sample goes into which shard is decided before anything is read. Shards depend on nothing
but their own groups; each is written under a temporary name and renamed, and a note beside the
dataset's folder then says that it is whole. Running the same export again does what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dataset_script.card.card import build_card
from dataset_script.card.croissant import build_croissant
from dataset_script.card.summary import FOLDER, Finished, Summary, default_recipe
from dataset_script.cubes.locations import is_url
from dataset_script.errors import DataError
from dataset_script.rows.recipe import Recipe
from dataset_script.safe_files import remove_leftovers, renamed
from dataset_script.shards.metadata import METADATA_FILE
from dataset_script.shards.options import ExportOptions
from dataset_script.shards.output_folder import claim, one_at_a_time
from dataset_script.shards.plan import Shard, plan_shards
from dataset_script.shards.shard_file import ShardReport, ShardTask, write_shard
from dataset_script.source.source import Source, open_source
from dataset_script.webdataset.shards import shard_path, write_manifest
from dataset_script.workers import prepare_processes, run_tasks

ShardKey = tuple[str, str, int]
"""Config, split and number of a shard."""


def export(
    minicubes: str | Path, out: str | Path, configs: Sequence[str] = ("ts1", "ts3"), **options: Any
) -> Path:
    """Write a dataset.

    Args:
        minicubes: Folder (or fsspec URL) of cubes.
        out: Folder to write `hephaestus-minicubes/` into.
        configs: Any of "ts1", "ts3", "ts<N>" and "groups".
        **options: The other fields of `shards.options.ExportOptions`.

    Returns:
        The dataset's folder.

    Raises:
        ConfigError: If a parameter is out of range, or `out` holds an export with others.
        DataError: If the input is bad (see `source.open_source`), or writing fails.
    """
    chosen = ExportOptions(configs=configs, **options)
    recipes = chosen.recipes()
    if chosen.dask:  # Workers on other machines do not share the working directory.
        out = Path(out).absolute()
        minicubes = minicubes if is_url(minicubes) else Path(minicubes).absolute()
    if chosen.workers > 1 and not chosen.dask:
        prepare_processes(write_shard, ["xarray", "zarr"])
    source = open_source(minicubes, chosen.annotations, chosen.skip_bad)
    format, apart = chosen.format, chosen.format == "webdataset"
    sizes = chosen.shard_bytes, apart, chosen.max_samples_per_shard
    plans = {recipe.name: plan_shards(source, recipe, *sizes) for recipe in recipes}
    folder, notes = Path(out) / FOLDER, Path(out) / f".{FOLDER}.export"
    # The authors' layout has no configs, so no place for one of pictures.
    preview_of = default_recipe(recipes).name if chosen.preview and not apart else None
    parameters = {
        "recipes": [recipe.to_dict() for recipe in recipes],
        "format": format,
        "preview": chosen.preview,
        "shard_bytes": chosen.shard_bytes,
        "max_samples_per_shard": chosen.max_samples_per_shard,
        "source": source.fingerprint(),
    }
    tasks = {
        (recipe.name, name, number): ShardTask(
            shard,
            recipe,
            folder / path,
            notes / recipe.name / f"{name}-{number:05d}.json",
            folder / "data/preview" / Path(path).name if recipe.name == preview_of else None,
            chosen.skip_bad,
        )
        for recipe in recipes
        for name, shards in plans[recipe.name].items()
        for number, (path, shard) in enumerate(_placed(shards, recipe, format))
    }
    with one_at_a_time(folder):
        claim(folder, notes, parameters, chosen.overwrite)
        done: dict[ShardKey, ShardReport] = {}
        total, silent = sum(task.shard.samples for task in tasks.values()), not chosen.progress
        with tqdm(total=total, desc="export", unit="row", disable=silent) as bar:
            for key, report in run_tasks(write_shard, tasks, chosen.workers, chosen.dask):
                done[key] = report
                bar.update(report.samples)
        for place in (folder, notes):
            remove_leftovers(place)
        _describe(folder, _summarise(folder, tasks, done, recipes, format, source))
    return folder


def _placed(shards: Sequence[Shard], recipe: Recipe, format: str) -> Iterator[tuple[str, Shard]]:
    """Each shard of a split with its path in the dataset's folder."""
    if format == "webdataset" and recipe.timeseries_length is not None:
        seen = {True: 0, False: 0, None: 0}
        for shard in shards:
            number = seen[shard.positive]
            seen[shard.positive] += 1
            positive = shard.positive is not False
            yield shard_path(recipe.timeseries_length, shard.split, positive, number), shard
        return
    for number, shard in enumerate(shards):
        name = f"{shard.split}-{number:05d}-of-{len(shards):05d}.{format}"
        yield f"data/{recipe.name}/{name}", shard


def _summarise(
    folder: Path,
    tasks: Mapping[ShardKey, ShardTask],
    done: Mapping[ShardKey, ShardReport],
    recipes: Sequence[Recipe],
    format: str,
    source: Source,
) -> Summary:
    shards: dict[str, dict[str, list[Finished]]] = {recipe.name: {} for recipe in recipes}
    for key, task in tasks.items():  # in the order of the plan
        preview = task.preview.relative_to(folder).as_posix() if task.preview else None
        finished = Finished(task.file.relative_to(folder).as_posix(), preview, done[key])
        shards[key[0]].setdefault(key[1], []).append(finished)
    return Summary(
        recipes,
        format,
        {
            config: {
                split: members
                for split, members in splits.items()
                if any(shard.report.samples for shard in members)
            }
            for config, splits in shards.items()
        },
        _unique(
            [problem.to_dict() for problem in source.problems],
            *(report.problems for report in done.values()),
        ),
        _unique(
            [problem.to_dict() for problem in source.warnings],
            *(report.warnings for report in done.values()),
        ),
        source.synthetic,
    )


def _describe(folder: Path, summary: Summary) -> None:
    """Write what describes the whole; the card last, as it makes the folder loadable."""
    if not any(summary.shards.values()):
        first = f": {summary.problems[0]['what']}" if summary.problems else ""
        raise DataError(f"{folder}: every interferogram was set aside{first}")
    if summary.problems or summary.warnings:
        listed = {"set_aside": summary.problems, "warnings": summary.warnings}
        _write(folder / "problems.json", json.dumps(listed, indent=1))
    _write(folder / METADATA_FILE, json.dumps(summary.metadata(), indent=1))
    if summary.format == "webdataset":
        write_manifest(
            folder,
            {
                shard.path: shard.report.samples
                for splits in summary.shards.values()
                for shards in splits.values()
                for shard in shards
            },
        )
    _write(folder / "croissant.json", json.dumps(build_croissant(summary), indent=1))
    _write(folder / "README.md", build_card(summary))


def _unique(*lists: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Problems of all shards and configs, each once, by frame and dates."""
    texts = {json.dumps(problem) for problems in lists for problem in problems}
    problems = [json.loads(text) for text in texts]
    return sorted(problems, key=lambda p: (p["frame"] or "", p["dates"], p["what"]))


def _write(path: Path, text: str) -> None:
    with renamed(path) as temporary:
        temporary.write_text(text)
