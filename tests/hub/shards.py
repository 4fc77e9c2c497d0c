"""A small dataset folder to publish, and what a repository holds of it."""

import random

from hub.repos.plans import Target, list_files

DATASET = Target("NS/shards", "dataset")
QUIET = {"say": lambda line: None}


def make_folder(root, shards=5, size=2000, seed=0):
    rng = random.Random(seed)
    (root / "data").mkdir(parents=True, exist_ok=True)
    for number in range(shards):
        name = f"train-{number:05d}-of-{shards:05d}.parquet"
        (root / "data" / name).write_bytes(b"PAR1" + rng.randbytes(size))
    (root / "README.md").write_text(
        "---\nlicense: mit\nconfigs:\n- config_name: ts3\n  data_files:\n"
        "  - split: train\n    path: data/train-*\n---\n# Shards\n"
    )
    (root / "metadata.json").write_text("{}")
    return root


def contents(repo, revision="main"):
    files = repo.head(revision)
    return {path: blob.data for path, blob in files.items() if path != ".gitattributes"}


def on_disk(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in list_files(folder)}
