"""Training of a model that is more than weights: it has a configuration and a tokenizer, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import nn

from dataset_script.errors import ConfigError
from dataset_script.safe_files import renamed_folder, write_json
from training.config.schema import Config
from training.data.sources import OpenedData
from training.fit.objectives.trainer import Trainer
from training.fit.validation import Validator, facts_of
from training.runs.checkpoint_manager import whole_weights
from training.runs.files import BEST, write_weights


class PartsTrainer(Trainer):
    """Trains such a model.

    Args:
        config: The validated configuration.
        data: Its data, with train and validation splits.
        accelerator: Device, precision and processes; trackers already started.

    Raises:
        ConfigError: If the weights are to be sharded, or a caption is longer than allowed.
    """

    def __init__(self, config: Config, data: OpenedData, accelerator: Accelerator) -> None:
        if accelerator.distributed_type == DistributedType.FSDP:
            raise ConfigError(
                f"objective {config.objective} needs a whole model at each validation, and FSDP "
                "shards it: take configs/accelerate/ddp.yaml"
            )
        super().__init__(config, data, accelerator)


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
