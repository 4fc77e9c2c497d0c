"""The dataset that examples come from and that can be browsed, streamed by `load_dataset`."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataset_script.errors import HephaestusError
from hub.errors import hub_errors
from page.errors import PageError
from page.inputs.known import Known
from page.settings import Settings

SPLITS = ("test", "validation", "train")
"""Unseen data first: a result on training data says little about a model."""

COLUMNS = (
    "sample_id",
    "frame_id",
    "volcanoes",
    "primary_date",
    "secondary_dates",
    "label",
    "activity_types",
    "intensity_levels",
    "phases",
    "confidence",
    "low_coherence",
    "atmospheric_fringes",
    "captions",
)


@dataclass(frozen=True)
class Entry:
    """One row without its rasters; lists run over the steps, class codes are names.

    Attributes:
        split: Split of the dataset.
        sample_id: Its id.
        frame_id: Frame.
        volcanoes: Names of the frame's volcanoes.
        primary_date: Primary date.
        secondary_dates: Secondary dates.
        positive: Whether there is deformation in any step.
        activity_types: Every type that any step has.
        intensity_levels: Every level that any step has.
        phases: Activity phase of each step.
        confidence: The annotators' mean confidence.
        low_coherence: Its mean flag over the steps.
        atmospheric_fringes: Its mean flag over the steps.
        caption: The last step's.
    """

    split: str
    sample_id: str
    frame_id: str
    volcanoes: tuple[str, ...]
    primary_date: datetime.date
    secondary_dates: tuple[datetime.date, ...]
    positive: bool
    activity_types: frozenset[str]
    intensity_levels: frozenset[str]
    phases: tuple[str, ...]
    confidence: float
    low_coherence: float
    atmospheric_fringes: float
    caption: str

    @property
    def annotation(self) -> str:
        """The annotation in a line."""
        kinds = ", ".join(sorted(self.activity_types)) if self.positive else "no deformation"
        seen = "; the models have learnt from it" if self.split == "train" else ""
        return f"Annotated ({self.split} data{seen}): {kinds or 'deformation'}. {self.caption}"

    @property
    def title(self) -> str:
        """Volcanoes and dates as a choice in a list."""
        dates = (self.primary_date, *self.secondary_dates)
        where = ", ".join(self.volcanoes) or self.frame_id
        return f"{where}, {min(dates):%b %Y} to {max(dates):%b %Y}"

    @property
    def dates(self) -> str:
        """The secondary dates as a choice in a list."""
        return ", ".join(f"{date:%Y-%m-%d}" for date in self.secondary_dates)


class Catalogue:
    """The rows of a dataset by id: annotations in memory, rasters stay in the dataset.

    Args:
        settings: Which dataset and configuration.

    Raises:
        PageError: When first used, if the dataset cannot be opened.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._entries: dict[str, Entry] | None = None
        self._lock = threading.Lock()

    @property
    def configured(self) -> bool:
        """Whether the operator named a dataset."""
        return bool(self._settings.dataset)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Every row by sample id; read once, from the annotation columns alone."""
        with self._lock:
            if self._entries is None:
                self._entries = {
                    entry.sample_id: entry
                    for split in self._splits()
                    for entry in self._read(split)
                }
            return self._entries

    def known(self, sample_id: str) -> Known:
        """What the dataset says of a row beside its pixels.

        Raises:
            PageError: If there is no such row.
        """
        entry = self._entry(sample_id)
        return Known(entry.annotation, entry.volcanoes, simulated=self.simulated)

    @cached_property
    def simulated(self) -> bool:
        """Whether the dataset's card says that its pixels are simulated."""
        from huggingface_hub import DatasetCard

        own = Path(self._settings.dataset) / "README.md"
        with contextlib.suppress(OSError, ValueError, HephaestusError), self._readable():
            card = DatasetCard.load(str(own) if own.is_file() else self._settings.dataset)
            return "synthetic" in (getattr(card.data, "tags", None) or ())
        return False

    def row(self, sample_id: str) -> dict[str, Any]:
        """One row with its rasters.

        Args:
            sample_id: Its id.

        Returns:
            Column name to value, rasters as numpy arrays.

        Raises:
            PageError: If there is no such row.
        """
        entry = self._entry(sample_id)
        with self._readable():
            # The reader skips the row groups whose ids cannot match.
            stream = self._stream(entry.split, filters=[("sample_id", "==", sample_id)])
            # Read to its end: a Parquet stream that is left early can hang the interpreter's exit.
            [row] = stream.with_format("numpy")
        return row

    def _entry(self, sample_id: str) -> Entry:
        entry = self.entries.get(sample_id)
        if entry is None:
            raise PageError(f"The dataset has no sample “{sample_id[:80]}”.")
        return entry

    def _splits(self) -> list[str]:
        from datasets import get_dataset_split_names

        with self._readable():
            found = get_dataset_split_names(self._settings.dataset, self._settings.config)
        return [split for split in SPLITS if split in found]

    def _stream(self, split: str, **options: Any) -> Any:
        from datasets import load_dataset

        name, config = self._settings.dataset, self._settings.config
        return load_dataset(name, config, split=split, streaming=True, **options)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        name, config = self._settings.dataset, self._settings.config
        try:
            with hub_errors(f"dataset {name}"):
                yield
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise PageError(f"The dataset {name} ({config}) cannot be opened: {reason}") from None

    def _read(self, split: str) -> list[Entry]:
        with self._readable():
            stream = self._stream(split, columns=list(COLUMNS))
            if missing := [name for name in COLUMNS if name not in (stream.features or {})]:
                raise PageError(
                    f"The dataset {self._settings.dataset} ({self._settings.config}) lacks "
                    f"{', '.join(missing)}: choose a configuration of series, such as ts3."
                )
            names = _class_names(stream.features)
            return [_entry(split, row, names) for row in stream]


def _class_names(features: Any) -> dict[str, list[str]]:
    nested = ("activity_types", "intensity_levels")
    names = {column: features[column].feature.feature.names for column in nested}
    return {**names, "phases": features["phases"].feature.names}


def _entry(split: str, row: Mapping[str, Any], names: Mapping[str, list[str]]) -> Entry:
    def every(column: str) -> frozenset[str]:
        return frozenset(names[column][code] for step in row[column] for code in step)

    steps = len(row["secondary_dates"])
    return Entry(
        split=split,
        sample_id=row["sample_id"],
        frame_id=row["frame_id"],
        volcanoes=tuple(row["volcanoes"] or ()),
        primary_date=row["primary_date"],
        secondary_dates=tuple(row["secondary_dates"]),
        positive=row["label"] == 1,
        activity_types=every("activity_types"),
        intensity_levels=every("intensity_levels"),
        phases=tuple(names["phases"][code] for code in row["phases"]),
        confidence=sum(row["confidence"]) / steps,
        low_coherence=sum(row["low_coherence"]) / steps,
        atmospheric_fringes=sum(row["atmospheric_fringes"]) / steps,
        caption=(row["captions"] or [""])[-1],
    )
