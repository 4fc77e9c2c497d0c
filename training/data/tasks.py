"""What a model is asked: classes, how many answers, and the target that each answer is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dataset_script.labels import ACTIVITY_TYPES, BINARY_LABELS, INTENSITY_LEVELS, LABELS, PHASES
from training.config.schema import Config

IGNORED = 255
"""Class code of a pixel or an image that no loss and no metric counts."""

_NEGATIVE = LABELS.index("Non_Deformation")
_MASK_COLUMNS = {
    "binary": "deformation_mask",
    "activity_type": "activity_type_mask",
    "intensity": "intensity_level_mask",
}


@dataclass(frozen=True)
class StepLabels:
    """The annotation of each step of one sample, as class codes.

    Attributes:
        labels: Codes into `LABELS`, a list a step.
        activity_types: Codes into `ACTIVITY_TYPES`, a list a step.
        intensity_levels: Codes into `INTENSITY_LEVELS`, a list a step.
        phases: One code into `PHASES` a step.
    """

    labels: Sequence[Sequence[int]]
    activity_types: Sequence[Sequence[int]]
    intensity_levels: Sequence[Sequence[int]]
    phases: Sequence[int]

    def select(self, steps: Sequence[int]) -> StepLabels:
        """The labels of some steps, in the order given."""
        return StepLabels(
            [self.labels[step] for step in steps],
            [self.activity_types[step] for step in steps],
            [self.intensity_levels[step] for step in steps],
            [self.phases[step] for step in steps],
        )

    @property
    def positive(self) -> bool:
        """Whether any step shows deformation."""
        return any(_NEGATIVE not in labels for labels in self.labels)


@dataclass(frozen=True)
class Task:
    """A question put to each image or each pixel.

    Attributes:
        name: binary, activity_type, intensity, phase or caption.
        objective: classification, segmentation or caption.
        mask_target: How T steps become one target: last, peak, union or all.
        timeseries_length: Steps T.
    """

    name: str
    objective: str
    mask_target: str
    timeseries_length: int

    @classmethod
    def of(cls, config: Config, timeseries_length: int) -> Task:
        """The task that a configuration names."""
        return cls(config.task, config.objective, config.data.mask_target, timeseries_length)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the model's outputs.

        The first is the negative one, except of the multi-label activity types: they have none.
        Those of a caption are what its samples are drawn and counted by.
        """
        if self.name in ("binary", "caption"):
            return BINARY_LABELS
        if self.name == "intensity":
            return INTENSITY_LEVELS
        if self.name == "phase":
            return PHASES[:3]
        return ACTIVITY_TYPES if self.multilabel else ("Non_Deformation", *ACTIVITY_TYPES)

    @property
    def multilabel(self) -> bool:
        """Whether several classes may hold at once: activity types of a whole image."""
        return self.name == "activity_type" and self.objective == "classification"

    @property
    def answers(self) -> int:
        """Answers a sample: T where each step has its own target, else 1."""
        return self.timeseries_length if self.mask_target == "all" else 1

    @property
    def outputs(self) -> int:
        """Output channels of the model: answers (the slower index) times classes."""
        return self.answers * len(self.classes)

    @property
    def mask_column(self) -> str | None:
        """Dataset column that pixel targets are made of; None for whole images."""
        return _MASK_COLUMNS[self.name] if self.objective == "segmentation" else None

    def split_answers(self, logits: Tensor) -> Tensor:
        """Logits `[B, answers * K, ...]` as `[B * answers, K, ...]`."""
        return logits.reshape(-1, len(self.classes), *logits.shape[2:])

    def image_target(self, steps: StepLabels) -> np.ndarray:
        """Target of a whole image.

        `peak` needs a mask; of a whole image it is the same as `union`. Of several intensities
        the highest counts; of several phases the first found of Unrest, Rebound, Rest.

        Args:
            steps: Labels of the sample's T steps.

        Returns:
            int64 `[answers]` class codes, or float32 `[answers, K]` of zeros and ones where
            `multilabel`.
        """
        count = len(steps.labels)
        parts = {"all": [[step] for step in range(count)], "last": [[count - 1]]}
        chosen = parts.get(self.mask_target, [list(range(count))])
        answers = [self._image_answer(steps.select(part)) for part in chosen]
        return np.array(answers, dtype="float32" if self.multilabel else "int64")

    def _image_answer(self, steps: StepLabels) -> int | list[int]:
        if self.name in ("binary", "caption"):
            return int(steps.positive)
        if self.name == "intensity":
            return max((code for codes in steps.intensity_levels for code in codes), default=0)
        if self.name == "phase":
            rest, unrest, rebound = (PHASES.index(name) for name in self.classes)
            found = [code for code in (unrest, rebound, rest) if code in steps.phases]
            return found[0] if found else IGNORED
        held = {code for codes in steps.activity_types for code in codes}
        return [int(code in held) for code in range(len(ACTIVITY_TYPES))]

    def code_table(self, steps: StepLabels) -> np.ndarray | None:
        """From a mask's codes to the task's classes, for each step.

        The archive does not document the codes of its type and intensity masks. Where the pair's
        annotation names one class, every marked pixel is of that class; where it names several,
        code c stands for the c-th class of the vocabulary if the annotation names it, and the
        pixel is ignored otherwise.

        Args:
            steps: Labels of the sample's T steps.

        Returns:
            uint8 `[T, 256]`; None for the binary task, whose codes need no table.
        """
        if self.name == "binary":
            return None
        types = self.name == "activity_type"
        named = steps.activity_types if types else steps.intensity_levels
        offset = 1 if types else 0  # the classes of pixels begin with "none", the types do not
        table = np.full((len(named), 256), IGNORED, "uint8")
        table[:, 0] = 0
        for row, codes in zip(table, named, strict=True):
            distinct = sorted(set(codes))
            if len(distinct) == 1:
                row[1:] = distinct[0] + offset
            for code in distinct[: len(distinct) if len(distinct) > 1 else 0]:
                row[code + offset] = code + offset
        return table

    def pixel_target(self, masks: Tensor, table: Tensor | None) -> Tensor:
        """Target of each pixel, on the device.

        Args:
            masks: uint8 `[B, T, H, W]` of `mask_column`.
            table: uint8 `[B, T, 256]` of `code_table`, or None.

        Returns:
            int64 `[B * answers, H, W]` class codes. Where the steps of a union differ, the larger
            code counts; `peak` is the step with most marked pixels.
        """
        # Codes stay bytes until the steps have become one: an eighth of the memory to go through.
        codes = masks > 0
        if table is not None:
            codes = table.gather(2, masks.flatten(2).long()).reshape(masks.shape)
        if self.mask_target == "all":
            return codes.flatten(0, 1).long()
        if self.mask_target == "last":
            return codes[:, -1].long()
        if self.mask_target == "peak":
            peak = (masks > 0).sum((2, 3)).argmax(1)
            index = peak[:, None, None, None].expand(-1, 1, *codes.shape[2:])
            return codes.gather(1, index)[:, 0].long()
        if table is None:
            return (masks.amax(1) > 0).long()
        ignored = codes == IGNORED
        union = codes.masked_fill(ignored, 0).amax(1)
        return union.masked_fill((union == 0) & ignored.any(1), IGNORED).long()

    def margin(self, logits: Tensor, temperature: float = 1.0) -> Tensor:
        """Log-odds of deformation (for phases: of unrest or rebound) against none.

        Args:
            logits: `[N, K, ...]`, as the model gives them.
            temperature: Divisor of the logits that calibrates them.

        Returns:
            `[N, ...]`: the sigmoid of it, divided by the temperature, is the probability that any
            class but the negative one holds; where `multilabel`, that the likeliest class holds.
            For two classes it does not depend on the temperature.
        """
        if self.multilabel:
            return logits.amax(1)
        if logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return temperature * torch.logsumexp(logits[:, 1:] / temperature, 1) - logits[:, 0]
