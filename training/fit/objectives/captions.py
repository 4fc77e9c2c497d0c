"""Training on captions: the loss of each token, and sentences written at each validation."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from training.config.schema import Config
from training.data.loader import Batch
from training.data.sources import OpenedData
from training.evaluation.captions.report import facts_metrics
from training.evaluation.captions.writing import TeacherForced, write_captions
from training.facts import count_planes
from training.fit.losses import token_loss
from training.fit.objectives.parts import PartsTrainer, PartsValidator
from training.fit.validation import Validator
from training.models.captioner.model import (
    FOLDER,
    Captioner,
    build_captioner,
    choose_tokenizer,
    save_parts,
)
from training.models.captioner.tokenizer import encode, pad
from training.models.model import Model


class CaptionTrainer(PartsTrainer):
    """Trains a captioner, of the objective caption; see `PartsTrainer`."""

    def _build(self, config: Config, data: OpenedData) -> Model:
        sentences = {split: samples.sentences() for split, samples in data.splits.items()}
        tokenizer = choose_tokenizer(config.caption, sentences["train"])
        known = sorted({sentence for each in sentences.values() for sentence in each})
        tokens = encode(tokenizer, known, config.caption.length)
        self.tokens = dict(zip(known, tokens, strict=True))
        self.pad_id: int = tokenizer.pad_token_id
        return build_captioner(
            config.model,
            config.caption,
            tokenizer,
            planes=count_planes(data.channels, config.data.phase) * data.task.timeseries_length,
            image_size=data.image_size,
        )

    def _make_validator(self, data: OpenedData, library: str) -> Validator:
        forced = TeacherForced(self.tokens, self.pad_id, token_loss)
        return CaptionValidator(
            self.config, data, self.accelerator, library, self._inputs, forced=forced
        )

    def _losses(self, images: Tensor, batch: Batch, target: Tensor) -> Tensor:
        epoch = self.progress.epoch
        captions = [self.samples.caption(int(i), epoch) for i in batch.share.indices]
        read, wanted = pad([self.tokens[caption] for caption in captions], self.pad_id)
        device = self.accelerator.device
        logits = self.model(self._in_memory_order(images), read.to(device))
        return token_loss(logits, wanted.to(device))


class CaptionValidator(PartsValidator):
    """Measures captioners on the validation split: the loss of each token, and what they write.

    Args:
        *args: See `Validator`.
        forced: How the loss is taken.
    """

    folder, save_parts = FOLDER, save_parts

    def __init__(self, *args: Any, forced: TeacherForced) -> None:
        super().__init__(*args)
        self.forced = forced

    def _measure(self, model: nn.Module) -> tuple[float, dict[str, float | None], Any]:
        model.eval()
        captioner = cast("Captioner", self.accelerator.unwrap_model(model))
        training = self.config.training
        written = write_captions(
            captioner,
            self.samples,
            self.accelerator,
            training.batch_size,
            self.config.data.workers,
            self.inputs,
            self.forced,
        )
        assert written.loss is not None
        scores = facts_metrics(written.sentences, written.references)
        return float(written.loss.mean()), scores, captioner
