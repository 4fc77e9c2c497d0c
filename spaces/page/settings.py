"""What the operator of the page decides: models, dataset, limits. Read from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.repos.loading import IN_THE_BOX
from page.errors import PageError

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder in a checkout; unused where the page lies in its own repository."""

DEMO_DATASET = ROOT / "runs" / "demo" / "hephaestus-minicubes"


@dataclass(frozen=True)
class Settings:
    """The operator's choices and the bounds on what a visitor may ask.

    Attributes:
        segmenter: Model folder or Hub repository that draws the mask, or the model that comes with
            the project; "" for none.
        classifier: Model folder or Hub repository that classifies the image; "" for none.
        captions: Model folder or Hub repository that writes a sentence beside the verdict; "" for
            none.
        dataset: Dataset folder or Hub repository to take examples from and to browse; "" for none.
        config: Its configuration.
        examples: Folder of the operator's own examples, shown first; "" for none.
        records: Output folders of `python -m hub watch`, whose timelines are shown.
        model_roots: Folders under which a visitor may name a model folder.
        max_upload_bytes: Most bytes of one uploaded file, and of all files of one upload.
        max_unpacked_bytes: Most bytes that an archive may unpack to; a minicube, which is read
            where it lies, may hold sixteen times as much.
        max_pixels: Most pixels of one raster.
        max_model_bytes: Most bytes to download of a model that a visitor names.
        cache_bytes: Most bytes of scenes and results kept in memory over all visitors.
        cache_seconds: How long a scene or a result is kept after its last use.
        jobs: Analyses that run at once.
        queue: Requests that may wait; more are turned away at once.
        port: TCP port.
    """

    segmenter: str = ""
    classifier: str = ""
    captions: str = ""
    dataset: str = ""
    config: str = "ts3"
    examples: str = ""
    records: tuple[Path, ...] = ()
    model_roots: tuple[Path, ...] = ()
    max_upload_bytes: int = 1024 * 2**20
    max_unpacked_bytes: int = 1024 * 2**20
    max_pixels: int = 16_000_000
    max_model_bytes: int = 1_000_000_000
    cache_bytes: int = 1024 * 2**20
    cache_seconds: float = 1800.0
    jobs: int = 2
    queue: int = 64
    port: int = 7860

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read `HEPHAESTUS_*` and `GRADIO_SERVER_PORT`.

        Without them the page has the model that comes with the project, and the demo's dataset
        where there is one.

        Args:
            environment: Variables; the process's own by default.

        Raises:
            PageError: If a number is not one.
        """
        roots = environment.get("HEPHAESTUS_MODEL_ROOTS", str(ROOT / "runs"))
        return cls(
            segmenter=environment.get("HEPHAESTUS_MODEL") or IN_THE_BOX,
            classifier=environment.get("HEPHAESTUS_CLASSIFIER", ""),
            captions=environment.get("HEPHAESTUS_CAPTIONS", ""),
            dataset=environment.get("HEPHAESTUS_DATASET")
            or (str(DEMO_DATASET) if DEMO_DATASET.is_dir() else ""),
            config=environment.get("HEPHAESTUS_DATASET_CONFIG") or "ts3",
            model_roots=tuple(Path(root).resolve() for root in roots.split(os.pathsep) if root),
            examples=environment.get("HEPHAESTUS_EXAMPLES", ""),
            records=tuple(
                Path(folder)
                for folder in environment.get("HEPHAESTUS_RECORD", "").split(os.pathsep)
                if folder
            ),
            max_upload_bytes=_count(environment, "HEPHAESTUS_UPLOAD_MB", 1024) * 2**20,
            jobs=_count(environment, "HEPHAESTUS_JOBS", 2),
            cache_bytes=_count(environment, "HEPHAESTUS_MEMORY_MB", 1024) * 2**20,
            port=_count(environment, "GRADIO_SERVER_PORT", 7860),
        )


def _count(environment: Mapping[str, str], name: str, otherwise: int) -> int:
    text = environment.get(name) or str(otherwise)
    if not text.isdecimal() or not int(text):
        raise PageError(f"{name} is {text!r}; set it to a whole number from 1 on, or leave it out.")
    return int(text)
