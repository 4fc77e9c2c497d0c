"""What is wrong with the input, as data: to raise, to list, and to set aside.

There are two levels. An error makes pixels or labels unusable: they cannot be read, are out of
range, missing, or contradict each other. A warning is any other difference: the annotation counts,
and the pair stays.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from dataset_script.errors import DataError

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where, and what to do about it.

    Attributes:
        what: What is wrong, in one sentence without a final stop.
        advice: What to do about it, as short.
        file: File, folder or URL it was found in.
        frame_id: Frame, or "".
        dates: Primary and secondary date of the pair, or only the primary, or none.
        unique_id: Annotation, or None.
        severity: Whether it makes pixels or labels unusable.
    """

    what: str
    advice: str = ""
    file: str = ""
    frame_id: str = ""
    dates: tuple[datetime.date, ...] = ()
    unique_id: int | None = None
    severity: Severity = "error"

    @property
    def pair(self) -> tuple[datetime.date, datetime.date] | None:
        """The pair's two dates, if the problem lies in one pair."""
        return (self.dates[0], self.dates[1]) if len(self.dates) == 2 else None

    @property
    def where(self) -> str:
        """File, frame, dates and annotation, as far as they are known."""
        known = [
            self.file,
            f"frame {self.frame_id}" if self.frame_id else "",
            "_".join(f"{date:%Y%m%d}" for date in self.dates),
            "" if self.unique_id is None else f"annotation {self.unique_id}",
        ]
        return ", ".join(part for part in known if part)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{text}; {self.advice}" if self.advice else text
        return " ".join(text.splitlines())

    def to_dict(self) -> dict[str, Any]:
        """The problem as plain JSON types."""
        return {
            "severity": self.severity,
            "frame": self.frame_id or None,
            "dates": [f"{date:%Y%m%d}" for date in self.dates],
            "unique_id": self.unique_id,
            "file": self.file or None,
            "what": self.what,
            "advice": self.advice or None,
        }


class ProblemError(DataError):
    """A `DataError` that keeps its `Problem`, so that a caller can set the pair aside."""

    def __init__(self, problem: Problem):
        super().__init__(str(problem))
        self.problem = problem

    def __reduce__(self) -> tuple[type[ProblemError], tuple[Problem]]:
        # Worker processes send their errors home pickled; the default would lose the problem.
        return ProblemError, (self.problem,)


@contextmanager
def collecting(problems: list[Problem] | None) -> Iterator[None]:
    """Append a `ProblemError` raised inside to a list, or let it pass where there is none.

    Args:
        problems: Where to list problems; None raises the first.
    """
    try:
        yield
    except ProblemError as error:
        if problems is None:
            raise
        problems.append(error.problem)
