"""The operator's own examples: real interferograms in a folder, with what is known of each.

`HEPHAESTUS_EXAMPLES` names a folder of scenes in any form that `python -m hub predict` reads. An
`examples.json` beside them may tell more of each, by its path in the folder:

    {"sierra_negra.npz": {"volcano": "Sierra Negra", "dates": "May to June 2018",
                          "what": "the caldera rose before its eruption",
                          "longitude": -91.17, "latitude": -0.83, "simulated": false}}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hub.scenes.inputs import SceneInput, find_inputs
from hub.scenes.scene import Scene
from page.errors import PageError
from page.inputs.known import Known
from page.inputs.private import without_own_folders
from page.settings import Settings

LIST = "examples.json"
MOST = 12
"""Examples that are shown."""

_PREFIX = "example:"
_FIELDS: dict[str, Any] = {
    "volcano": str,
    "dates": str,
    "what": str,
    "longitude": (int, float),
    "latitude": (int, float),
    "simulated": bool,
}


@dataclass(frozen=True)
class OwnExample:
    """One example.

    Attributes:
        title: What the page calls it.
        given: Reads the scene.
        known: What the operator says of it.
    """

    title: str
    given: SceneInput
    known: Known


class OwnExamples:
    """The examples of the operator's folder; none where there is none.

    Args:
        settings: Which folder.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.examples and Path(settings.examples).resolve()

    @cached_property
    def found(self) -> dict[str, OwnExample]:
        """Examples by id, in the list's order, then by name.

        Raises:
            PageError: If the folder or its list cannot be used; it says why.
            HephaestusError: If there is no scene in the folder.
        """
        if not self._folder:
            return {}
        if not self._folder.is_dir():
            raise PageError(f"HEPHAESTUS_EXAMPLES is {self._folder}, which is not a folder.")
        inputs = {self._name(given): given for given in find_inputs([self._folder], 1)}
        told = self._told()
        if strangers := sorted(set(told) - set(inputs)):
            raise PageError(
                f"{self._folder / LIST} tells of {strangers[0]}, which is no scene of the folder; "
                f"there are {', '.join(sorted(inputs)[:5])}."
            )
        names = [*told, *(name for name in sorted(inputs) if name not in told)][:MOST]
        return {
            f"{_PREFIX}{name}": _example(name, inputs[name], told.get(name, {})) for name in names
        }

    def has(self, example_id: str) -> bool:
        """Whether an id is one of these."""
        return example_id in self.found

    def read(self, example_id: str) -> tuple[Scene, Known]:
        """The scene of an id, and what is known of it.

        Raises:
            HephaestusError: If it cannot be read.
        """
        example = self.found[example_id]
        return without_own_folders(example.given.load()), example.known

    def _name(self, given: SceneInput) -> str:
        first = Path(given.label.partition(", ")[0])
        return str(first.relative_to(self._folder)) if self._folder else str(first)

    def _told(self) -> dict[str, dict[str, Any]]:
        path = Path(self._folder) / LIST
        if not path.is_file():
            return {}
        try:
            told = json.loads(path.read_text())
        except ValueError as error:
            raise PageError(f"{path} is not valid JSON: {error}") from None
        if not isinstance(told, dict) or not all(isinstance(item, dict) for item in told.values()):
            raise PageError(f"{path} must map names of scenes to what is known of them.")
        for name, item in told.items():
            for key, value in item.items():
                if key not in _FIELDS:
                    known = ", ".join(_FIELDS)
                    raise PageError(f"{path}: {name} has {key!r}; what is read is {known}.")
                if not isinstance(value, _FIELDS[key]):
                    raise PageError(f"{path}: {key} of {name} is {value!r}.")
        return told


def _example(name: str, given: SceneInput, told: dict[str, Any]) -> OwnExample:
    volcano, dates, what = (told.get(key, "") for key in ("volcano", "dates", "what"))
    title = ", ".join(filter(None, (volcano, dates))) or name
    summit = (
        (told["longitude"], told["latitude"]) if {"longitude", "latitude"} <= set(told) else None
    )
    note = ". ".join(part[:1].upper() + part[1:] for part in (what, dates) if part)
    known = Known(
        note=f"{note}." if note else "",
        volcanoes=(volcano,) if volcano else (),
        summit=summit,
        simulated=told.get("simulated", False),
    )
    return OwnExample(f"{title}: {what}" if what else title, given, known)
