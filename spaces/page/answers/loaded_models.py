"""Which models a visitor may ask for, and the few that are kept loaded."""

from __future__ import annotations

import contextlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.inference.prediction import Prediction
from hub.scenes.scene import Scene
from page.errors import PageError
from page.settings import ROOT, Settings

if TYPE_CHECKING:
    from hub.inference.detector import Detector

MAX_LOADED = 4
NO_MODEL = "none"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,99}")


def resolve(reference: str, settings: Settings) -> tuple[str, str | None]:
    """What a visitor typed, as something that `Detector` may open.

    Args:
        reference: "NAMESPACE/NAME" on the Hub, with "@REVISION" if need be; or a folder under
            one of the operator's model folders; or one of the operator's own two models.
        settings: The operator's choices.

    Returns:
        Folder or repository, and revision.

    Raises:
        PageError: If it is anything else. The message does not tell whether such a path exists.
    """
    text = reference.strip()
    for own in filter(None, (settings.segmenter, settings.classifier)):
        if text == label(own):
            text = own
    if text in (settings.segmenter, settings.classifier):
        name, _, revision = text.partition("@") if not Path(text).is_dir() else (text, "", "")
        return name, revision or None
    with contextlib.suppress(OSError, ValueError):  # too long for a path, or with a NUL
        folder = (ROOT / text).resolve()
        if folder.is_dir() and any(folder.is_relative_to(root) for root in settings.model_roots):
            return str(folder), None
    if found := local_models(settings).get(text):
        return str(found), None
    name, _, revision = text.partition("@")
    # A path relative to the process's folder would be taken for a folder by the loader.
    is_id = _HUB_ID.fullmatch(name) and ".." not in name and not Path(name).exists()
    if is_id and (not revision or (_REVISION.fullmatch(revision) and ".." not in revision)):
        return name, revision or None
    raise PageError(
        f"“{text[:80]}” is no model that this page opens: give a Hub repository as "
        "NAMESPACE/NAME, or choose from the list."
    )


def local_models(settings: Settings) -> dict[str, Path]:
    """Model folders below the operator's, by the names that the page shows them under."""
    folders = {
        path.parent
        for root in settings.model_roots
        for path in root.glob("**/models/*/hephaestus.json")
    }
    named: dict[str, Path] = {}
    for folder in sorted(folders):
        name, parts = label(str(folder)), 2
        while name in named and parts < len(folder.parts) - 1:
            parts += 1  # two of one name: as much of the path as tells them apart
            name = str(Path(*folder.parts[-parts:]))
        named[name] = folder
    return named


def label(name: str) -> str:
    """A model's name on the page and in files: never where the server keeps it."""
    path = Path(name)
    if not path.is_absolute():
        return name
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:]))


class LoadedModels:
    """Detectors by reference; the least recently used is dropped when there are too many.

    Args:
        settings: The operator's choices.
        load: Used in place of `Detector.from_pretrained`.
    """

    def __init__(self, settings: Settings, load: Callable[..., Detector] | None = None) -> None:
        self._settings = settings
        self._load = load or _from_pretrained
        self._loaded: OrderedDict[tuple[str, str | None], Detector] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def captions(self) -> str:
        """The operator's captioner, folder or repository; "" for none."""
        return self._settings.captions

    def __reduce__(self) -> tuple[Callable[[Settings], LoadedModels], tuple[Settings]]:
        # On ZeroGPU the worker, a process of its own, keeps the models that it loads.
        return _in_this_process, (self._settings,)

    def get(self, reference: str) -> Detector:
        """The model of a reference, loaded at its first use.

        Raises:
            PageError: If the page does not open such a reference.
            HephaestusError: If it cannot be loaded.
        """
        key = resolve(reference, self._settings)
        with self._lock:  # one load at a time: two visitors would otherwise load it twice
            if key not in self._loaded:
                revision = self._bounded(reference, *key)
                detector = self._load(key[0], revision=revision)
                detector.name = label(key[0])
                self._loaded[key] = detector
                while len(self._loaded) > MAX_LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]

    def _bounded(self, reference: str, name: str, revision: str | None) -> str | None:
        """The revision to load, once a visitor's choice is known not to fill the disk."""
        chosen = self._settings.segmenter, self._settings.classifier
        if reference.strip() in chosen or Path(name).is_dir():
            return revision
        from hub.repos.loading import require_download

        return require_download(name, revision, self._settings.max_model_bytes)


@cache
def _in_this_process(settings: Settings) -> LoadedModels:
    return LoadedModels(settings)


def _from_pretrained(name: str, revision: str | None) -> Detector:
    from hub.inference.detector import Detector  # brings torch, which the page starts without

    return Detector.from_pretrained(name, revision=revision)


def predict(
    models: LoadedModels, reference: str, scene: Scene, follow: Mapping[str, Any] | None = None
) -> Prediction:
    """Ask one model about a scene; by reference, because on ZeroGPU another process has it.

    Args:
        models: The models kept loaded.
        reference: Which.
        scene: The scene.
        follow: `progress`, `cancel` and `first_look` of `Detector.predict`, which reach no other
            process.
    """
    return models.get(reference).predict(scene, each_date=True, **(follow or {}))
