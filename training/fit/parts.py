"""The best weights of a model that needs more than weights: its configuration and its tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from dataset_script.safe_files import renamed_folder, write_json
from training.fit.validation import Validator, facts_of
from training.runs.checkpoint_manager import whole_weights
from training.runs.files import BEST, write_weights


class PartsValidator(Validator):
    """Keeps a model's parts beside its best weights; `_measure` gives the model itself.

    Attributes:
        folder: Where the parts lie in a run.
        save_parts: Writes them.
    """

    folder: ClassVar[str]
    save_parts: ClassVar[Callable[[Any, Path], None]]

    def _save_best(self, model: nn.Module, found: Any) -> None:
        state = whole_weights(model)
        if not self.accelerator.is_main_process:
            return
        write_weights(state, self.run / BEST)
        with renamed_folder(self.run / self.folder, "tokenizer.json") as partial:
            type(self).save_parts(found, partial)
        facts = facts_of(self.config, self.data, self.library)
        write_json(self.run / "model.json", facts.to_dict())

    def _draw(self, forward: Any, update: int) -> None:
        """What such a model says of a picture is no picture."""
