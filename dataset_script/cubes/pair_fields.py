"""What a cube says of an interferogram beside its pixels: caption, phase, confidence, flags."""

from __future__ import annotations

import numpy as np

from dataset_script.channels import MASKS
from dataset_script.cubes.arrays import CubeArrays
from dataset_script.cubes.layout import PAIR_DIMS


class PairFields:
    """Values by primary and secondary date, each field read once where it is one chunk.

    Args:
        arrays: The cube's arrays.
    """

    def __init__(self, arrays: CubeArrays) -> None:
        self._arrays = arrays
        self._whole: dict[str, np.ndarray] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._arrays and self._arrays.dims(name) == PAIR_DIMS

    def read(self, name: str, place: tuple[int, int]) -> str | int | float | bool:
        """Read one value.

        Args:
            name: A field that the cube has.
            place: Positions of the primary and the secondary date.

        Returns:
            The value; a missing number is 0.
        """
        if self._arrays.one_by_one(name):
            value = self._arrays.raw(name, place)[()]
        else:
            if name not in self._whole:
                self._whole[name] = self._arrays.raw(name)
            value = self._whole[name][place]
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, str):
            return str(value)
        missing = value != value or value == self._arrays.fill_value(name)
        return 0 if missing else value.item()

    def blank_masks(self, place: tuple[int, int]) -> tuple[str, ...]:
        """Masks that are empty by the cube's own phase, which is Rest where nothing deforms.

        Args:
            place: Positions of the primary and the secondary date.
        """
        phase = self.read("phase", place) if "phase" in self else "Rest"
        # An earthquake alone has phase "None", and no intensity.
        return {"None": ("intensity_level_mask",), "": MASKS, "Rest": MASKS, "0": MASKS}.get(
            str(phase), ()
        )
