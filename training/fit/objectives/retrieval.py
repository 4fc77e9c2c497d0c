"""Training on captions that look for their interferograms: both encoders, by contrast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from training.captions.facts import Facts, read_facts
from training.captions.queries import holds, short_query
from training.config.schema import Config
from training.data.loader import Batch
from training.data.sampling import QUERY, stream
from training.data.sources import OpenedData
from training.evaluation.retrieval.embedding import embed_split
from training.evaluation.retrieval.recall import measure_recall, same_facts
from training.facts import count_planes
from training.fit.objectives.parts import PartsTrainer, PartsValidator
from training.fit.validation import Validator
from training.models.captioner.tokenizer import encode
from training.models.model import Model
from training.models.retriever.model import (
    FOLDER,
    Retriever,
    build_retriever,
    retriever_tokenizer,
    save_parts,
)

SHORT = 0.5
"""How often a sample is looked for by a short query in place of its caption."""


def contrastive_loss(logits: Tensor, right: Tensor) -> Tensor:
    """Symmetric cross-entropy of texts among images and of images among texts (CLIP's).

    Several images may be right for a text: the target is spread evenly over them (as UniCL's, Yang
    et al. 2022), since captions repeat.

    Args:
        logits: `[B, B]`, texts by images, any float type; computed in float32.
        right: bool `[B, B]`, at least its diagonal.

    Returns:
        float32 `[B]`, the mean of the two of each sample.
    """
    return (_spread(logits.float(), right) + _spread(logits.float().T, right.T)) / 2


def _spread(logits: Tensor, right: Tensor) -> Tensor:
    return -(logits.log_softmax(1) * right).sum(1) / right.sum(1)


class RetrievalTrainer(PartsTrainer):
    """Trains a retriever, of the objective retrieval; see `PartsTrainer`.

    A sample is told from those of its batch, on its own process.
    """

    def _build(self, config: Config, data: OpenedData) -> Model:
        sentences = data.splits["train"].sentences()
        self.told = {sentence: read_facts(sentence) for sentence in sentences}
        # Captions alone would leave the words that short queries add in single letters.
        drawn = stream(config.seed, QUERY)
        asked = [short_query(self.told[sentence], drawn) for sentence in sentences]
        tokenizer = retriever_tokenizer(config.caption, sentences + asked)
        encode(tokenizer, sorted(self.told), config.caption.length)  # refuses those that are cut
        return build_retriever(
            config.model,
            config.caption,
            tokenizer,
            planes=count_planes(data.channels, config.data.phase) * data.task.timeseries_length,
            image_size=data.image_size,
        )

    def _make_validator(self, data: OpenedData, library: str) -> Validator:
        return RetrievalValidator(self.config, data, self.accelerator, library, self._inputs)

    def _losses(self, images: Tensor, batch: Batch, target: Tensor) -> Tensor:
        retriever = cast("Retriever", self.accelerator.unwrap_model(self.model))
        texts, right = self._draw_texts(batch.share.indices)
        read, seen = (part.to(images.device) for part in retriever.tokens(texts))
        logits = self.model(self._in_memory_order(images), read, seen)
        return contrastive_loss(logits, torch.from_numpy(right).to(images.device))

    def _draw_texts(self, indices: np.ndarray) -> tuple[list[str], np.ndarray]:
        """A text of each sample, and of which samples `[B, B]` it is true."""
        epoch, texts, right = self.progress.epoch, [], []
        captions = [self.samples.caption(int(index), epoch) for index in indices]
        for index, caption in zip(indices, captions, strict=True):
            rng, told = stream(self.config.seed, QUERY, epoch, int(index)), self.told[caption]
            asked = short_query(told, rng) if rng.random() < SHORT else ""
            texts.append(asked or caption)
            right.append(fitting(read_facts(asked) if asked else told, captions, self.told, asked))
        return texts, np.array(right)


def fitting(query: Facts, captions: list[str], told: Mapping[str, Facts], asked: str) -> list[bool]:
    """For which samples a text is right.

    Args:
        query: What it says.
        captions: Of the samples.
        told: What each caption says.
        asked: The text, if it is a short query, which holds of whatever has what it names; a whole
            caption (empty) is right for those alone that say the same.
    """
    if asked:
        return [holds(query, told[caption]) for caption in captions]
    return [query == told[caption] for caption in captions]


class RetrievalValidator(PartsValidator):
    """Measures retrievers on the validation split: the loss of whole captions, and recall."""

    folder, save_parts = FOLDER, save_parts

    def _measure(self, model: nn.Module) -> tuple[float, dict[str, float | None], Any]:
        model.eval()
        retriever = cast("Retriever", self.accelerator.unwrap_model(model))
        images = embed_split(
            retriever,
            self.samples,
            self.accelerator,
            self.config.training.batch_size,
            self.config.data.workers,
            self.inputs,
        )
        captions = [self.samples.caption(i) for i in range(len(self.samples))]
        embed = retriever.embed_all
        found = measure_recall(captions, images, embed, self.config.seed)
        backbone: Any = retriever.backbone
        right = torch.from_numpy(same_facts(captions))
        logits = embed(captions) @ images.T * float(backbone.logit_scale.detach().exp())
        loss = contrastive_loss(torch.from_numpy(logits), right).mean()
        scores: dict[str, float | None] = dict(found["same facts"])
        scores["short_mrr"] = found["short"]["mrr"]
        return float(loss), scores, retriever
