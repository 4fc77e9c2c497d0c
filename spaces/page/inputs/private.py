"""Texts and scenes without the folders of this server."""

from __future__ import annotations

import dataclasses
import re

from hub.scenes.scene import Scene

_FOLDERS = re.compile(r"""(?<![\w./:])/(?:[^\s/'"“”,;]+/)*(?=[^\s/])""")


def without_folders(text: str) -> str:
    """A text in which of every absolute path the last name is left."""
    return _FOLDERS.sub("", text)


def without_own_folders(scene: Scene) -> Scene:
    """A scene whose warnings name files, and not where they lie."""
    return dataclasses.replace(scene, warnings=tuple(map(without_folders, scene.warnings)))
