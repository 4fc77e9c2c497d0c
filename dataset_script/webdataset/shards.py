"""The authors' WebDataset, local or on the Hub, as a source of rows.

A folder `<T>/` for each series length holds `train_pos`, `train_neg`, `val` and `test`, each with
shards `sample-<folder>-000000.tar`.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from dataset_script.cubes.locations import file_name, file_system, is_url, reaching
from dataset_script.cubes.members import check_member
from dataset_script.problems import Problem, ProblemError
from dataset_script.safe_files import write_json
from dataset_script.webdataset.sample_files import decode_sample, shard_features

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

FOLDERS = {"train": ("train_pos", "train_neg"), "validation": ("val",), "test": ("test",)}
"""Folders of each split, in the authors' names."""


def shard_path(length: int, split: str, positive: bool, number: int) -> str:
    """Where a shard lies under the root.

    Args:
        length: Steps T.
        split: train, validation or test.
        positive: Whether its samples show deformation; train alone keeps the two apart.
        number: Of the shard, from 0.
    """
    folder = FOLDERS[split][0 if positive or split != "train" else 1]
    return f"{length}/{folder}/sample-{folder}-{number:06d}.tar"


def find_shards(path: str | Path, split: str, length: int | None = None) -> list[str]:
    """The shards of a split.

    Args:
        path: Root of the WebDataset, or its `<T>` folder; local, or a URL such as
            `hf://datasets/orion-ai-lab/Thalia`.
        split: train, validation or test.
        length: Steps T; None where there is but one `<T>` folder.

    Returns:
        Paths or URLs, positives first, by number; empty if the split's folders are not there.

    Raises:
        DataError: If there is no such WebDataset, or the length must be chosen.
    """
    root = _length_folder(str(path), length)
    system, inner = file_system(root)
    shards = []
    for folder in FOLDERS[split]:
        place = f"{inner.rstrip('/')}/{folder}"
        with reaching(path):
            there = system.ls(place, detail=False) if system.isdir(place) else []
        names = sorted(map(file_name, there))
        shards += [f"{root.rstrip('/')}/{folder}/{n}" for n in names if n.endswith(".tar")]
    return shards


def read_shard(path: str) -> Iterator[dict[str, Any]]:
    """Read the samples of a shard, in order, one in memory at a time.

    Args:
        path: Local path or fsspec URL.

    Yields:
        Rows with the columns of `webdataset_shards.shard_features`.

    Raises:
        DataError: If the shard is truncated, unsafe, or a sample is not as it should be.
    """
    key, members = "", dict[str, bytes]()
    for stem, suffix, content in _members(path):
        if stem != key and members:
            yield decode_sample(members, f"{path}/{key}")
            members = {}
        key, members[suffix] = stem, content
    if members:
        yield decode_sample(members, f"{path}/{key}")


def read_rows(path: str | Path, split: str, length: int | None = None) -> Iterator[dict[str, Any]]:
    """Read a split, positives first.

    Args:
        path: See `find_shards`.
        split: train, validation or test.
        length: See `find_shards`.

    Yields:
        Rows; all have the shape of the first.

    Raises:
        DataError: If the split is not there, or a shard or sample is not as it should be.
    """
    shards = find_shards(path, split, length)
    if not shards:
        folders = " and ".join(FOLDERS[split])
        raise ProblemError(Problem(f"no shards of the {split} split ({folders})", "", str(path)))
    yield from _rows(shards)


def to_dataset(
    path: str | Path,
    split: str | None = None,
    length: int | None = None,
    cache_dir: str | Path | None = None,
) -> Dataset | DatasetDict:
    """Turn a WebDataset into an Arrow dataset, cached until a shard changes.

    Args:
        path: See `find_shards`.
        split: train, validation or test; None takes every split that is there.
        length: See `find_shards`.
        cache_dir: Where to keep it; None is the `datasets` library's own cache.

    Returns:
        The split, or a `DatasetDict` of splits.

    Raises:
        DataError: As `read_rows`.
    """
    from datasets import Dataset, DatasetDict
    from datasets.exceptions import DatasetGenerationError

    if split is None:
        found = [name for name in FOLDERS if find_shards(path, name, length)]
        if not found:
            raise ProblemError(Problem("no shards of any split", "", str(path)))
        return DatasetDict({name: to_dataset(path, name, length, cache_dir) for name in found})
    first = next(read_rows(path, split, length))
    steps, size, _ = first["deformation_mask"].shape
    shards = find_shards(path, split, length)
    try:
        return Dataset.from_generator(
            _rows,
            features=shard_features(steps, size),
            cache_dir=None if cache_dir is None else str(cache_dir),
            # The cache is keyed by these: a shard that has changed is read anew.
            gen_kwargs={"shards": shards, "state": [_state(shard) for shard in shards]},
            split=split,
        )
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, ProblemError):
            raise error.__cause__ from None
        raise


def write_manifest(root: Path, samples: Mapping[str, int]) -> Path:
    """List the shards and how many samples each holds.

    Args:
        root: Root of the WebDataset.
        samples: Number of samples by shard, as `shard_path` names them.

    Returns:
        `manifest.json` in the root.

    Raises:
        DataError: If it cannot be written.
    """
    path = root / "manifest.json"
    shards = [{"path": name, "samples": samples[name]} for name in sorted(samples)]
    write_json(path, {"shards": shards})
    return path


def _members(path: str) -> Iterator[tuple[str, str, bytes]]:
    """Key, rest of the name, and content of each file of a shard, read from front to back."""
    system, inner = file_system(path)
    with reaching(path), system.open(inner, "rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r|") as archive:
                for member in archive:
                    check_member(member.name, member.isreg() or member.isdir(), path)
                    name = PurePosixPath(member.name)
                    # As WebDataset has it, the key ends at the first dot of the file's name.
                    stem, _, suffix = name.name.partition(".")
                    if stream := archive.extractfile(member):
                        yield str(name.with_name(stem)), suffix, stream.read()
        except (tarfile.TarError, EOFError) as error:
            what = f"truncated or damaged shard ({error})"
            raise ProblemError(Problem(what, "fetch it again", path)) from None


def _rows(shards: Sequence[str], state: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    shape = None
    for shard in shards:
        folder = PurePosixPath(shard).parts[-3:][0]
        for row in read_shard(shard):
            found = row["deformation_mask"].shape
            if folder.isdigit() and int(folder) != found[0]:
                what = f"{row['sample_id']} has {found[0]} steps, the folder is named {folder}"
                raise ProblemError(Problem(what, "move the shard to where it belongs", shard))
            if found != (shape := shape or found):
                what = f"{row['sample_id']} has (steps, height, width) {found}, others {shape}"
                raise ProblemError(Problem(what, "shards of one folder must agree", shard))
            yield row


def _length_folder(path: str, length: int | None) -> str:
    """The folder that holds the splits: the path itself, or its `<T>`."""
    system, inner = file_system(path)
    with reaching(path):
        names = [file_name(entry) for entry in system.ls(inner, detail=False)]
    if {folder for folders in FOLDERS.values() for folder in folders} & set(names):
        known = file_name(path)
        if length is not None and known.isdigit() and int(known) != length:
            what = f"its time series have {known} steps, not {length}"
            raise ProblemError(Problem(what, "ask for that length, or give another folder", path))
        return path
    lengths = sorted(int(name) for name in names if name.isdigit())
    wanted = lengths if length is None else [length]
    if len(wanted) != 1 or wanted[0] not in lengths:
        there = ", ".join(map(str, lengths)) or "none: is it a WebDataset of the authors'?"
        what = "choose a length" if length is None else f"no time series of length {length}"
        raise ProblemError(Problem(f"{what}; there are {there}", "", path))
    return f"{path.rstrip('/')}/{wanted[0]}"


def _state(path: str) -> str:
    system, inner = file_system(path)
    if not is_url(path):
        status = Path(path).stat()
        return f"{status.st_size} {status.st_mtime_ns}"
    with reaching(path):
        return str(system.ukey(inner))
