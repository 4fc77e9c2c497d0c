"""Find a dataset's interferograms by a sentence, with a published retriever.

found = find("NS/retriever", "out/hephaestus-minicubes", "a sill of high intensity")
print(found.to_text())
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset_script.annotations.splits import SPLITS
from dataset_script.channels import PHASE
from dataset_script.errors import ConfigError
from hub.finding.kept import Kept
from hub.repos.loading import PublishedModel, find_published

if TYPE_CHECKING:
    from accelerate import Accelerator

    from training.data.samples import Samples
    from training.facts import ModelFacts
    from training.models.retriever.model import Retriever

ALL = "+".join(SPLITS)
"""Every split of a dataset, as one."""

_BATCH = 16


@dataclass(frozen=True)
class Hit:
    """An interferogram (or series) that a sentence fits.

    Attributes:
        score: Cosine between the sentence's direction and its own, -1..1.
        frame: LiCSAR frame.
        dates: Primary date, and the secondary date of each step.
        caption: What the annotators say of the last step.
        phase: Wrapped phase of the last step in rad `[H, W]`, NaN without data.
    """

    score: float
    frame: str
    dates: tuple[str, ...]
    caption: str
    phase: np.ndarray


@dataclass(frozen=True)
class Found:
    """What a sentence finds.

    Attributes:
        sentence: The sentence.
        hits: The nearest first.
        searched: Samples that were searched.
        strange: Its words that no caption has.
    """

    sentence: str
    hits: tuple[Hit, ...]
    searched: int
    strange: tuple[str, ...] = ()

    def to_text(self) -> str:
        """A table, a line a hit."""
        head = ("", "score", "frame", "dates", "caption")
        rows = [
            (str(number), f"{hit.score:.3f}", hit.frame, _span(hit.dates), hit.caption)
            for number, hit in enumerate(self.hits, 1)
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)][:-1]
        lines = []
        for *cells, caption in (head, *rows):
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append("  ".join((*padded, caption)))
        return "\n".join(lines)


def _span(dates: tuple[str, ...]) -> str:
    primary, *secondaries = dates
    return f"{primary} {' '.join(secondaries)}"


def find(
    model: str,
    dataset: str,
    sentence: str,
    top: int = 10,
    splits: str = ALL,
    config: str = "",
    revision: str | None = None,
) -> Found:
    """Find the interferograms that a sentence fits best.

    What a model says of a dataset is kept in the cache of `datasets`; the next sentence takes a
    moment.

    Args:
        model: A packaged retriever's folder or a repository NS/NAME.
        dataset: An exported dataset's folder, or its name on the Hub.
        sentence: What to look for, in the words of captions.
        top: Hits at most.
        splits: Splits to search, joined by "+".
        config: Config of the dataset; ts<T> of the model's number of steps if empty.
        revision: Branch, tag or commit of the model's repository.

    Returns:
        The hits.

    Raises:
        HephaestusError: If the model is no retriever, the data does not fit it, or there is
            nothing to look for.
    """
    if not sentence.strip():
        raise ConfigError('give a sentence to look for, such as "a sill of high intensity"')
    if top < 1:
        raise ConfigError(f"--top is {top}; it must be 1 or more")
    published = find_published(model, revision)
    if published.facts.objective != "retrieval":
        raise ConfigError(
            f"{model} is for {published.facts.objective}; find takes one for retrieval, as "
            "configs/retrieval trains"
        )
    from training.captions.vocabulary import unknown_words
    from training.runs.processes import make_accelerator

    samples, size = _open(published, dataset, splits, config)
    if size != published.facts.image_size:
        raise ConfigError(
            f"{model} reads crops of {published.facts.image_size} pixels and {dataset} holds crops "
            f"of {size}: export it again with --image-size {published.facts.image_size}"
        )
    accelerator = make_accelerator()
    retriever = _load(published).to(accelerator.device)
    kept = Kept(published.weights, samples)
    directions = kept.read()
    if directions is None:
        directions = _embed(retriever, published.facts, samples, accelerator)
        kept.write(directions)
    scores = directions @ retriever.embed_all([sentence])[0]
    best = np.argsort(-scores, kind="stable")[:top]
    hits = tuple(_hit(samples, int(number), float(scores[number])) for number in best)
    return Found(sentence, hits, len(samples), unknown_words(sentence))


def _open(found: PublishedModel, dataset: str, splits: str, config: str) -> tuple[Samples, int]:
    from training.config.schema import Config, DataConfig
    from training.data.sources import open_data

    facts = found.facts
    channels = [*facts.channels, *([] if PHASE in facts.channels else [PHASE])]
    data = DataConfig(
        path=dataset,
        config=config or f"ts{facts.timeseries_length}",
        channels=channels,
        phase=facts.phase,  # type: ignore[arg-type]
        mask_target="last",
        timeseries_length=facts.timeseries_length,
    )
    asked = Config(objective="retrieval", task="caption", data=data)
    opened = open_data(asked, (splits,))
    return opened.splits[splits], opened.image_size


def _load(found: PublishedModel) -> Retriever:
    from training.models.retriever.model import Retriever

    backbone: Any = found.load_backbone()
    return Retriever(backbone, found.load_tokenizer()).eval()


def _embed(
    retriever: Retriever, facts: ModelFacts, samples: Samples, accelerator: Accelerator
) -> np.ndarray:
    import torch
    from tqdm.auto import tqdm

    from training.evaluation.retrieval.embedding import embed_split
    from training.inputs.preprocessing import Preprocessor

    preprocess = Preprocessor(
        facts.channels, facts.timeseries_length, facts.image_size, overwrite=True, phase=facts.phase
    )
    # The statistics travel with the weights; the channel table may have moved on since.
    preprocess.mean = torch.tensor(facts.mean).reshape(-1, 1, 1)
    preprocess.std = torch.tensor(facts.std).reshape(-1, 1, 1)
    preprocess.to(accelerator.device)
    return embed_split(
        retriever,
        samples,
        accelerator,
        _BATCH,
        workers=2,
        inputs=lambda batch: preprocess(batch.rasters),
        progress=lambda batches: tqdm(batches, "looking", -(-len(samples) // _BATCH), leave=False),
    )


def _hit(samples: Samples, number: int, score: float) -> Hit:
    known = samples.metadata(number)
    steps = samples.steps(number)
    phase = samples.rows.read(samples.row(number))[PHASE]
    last = np.array(phase if phase.ndim == 2 else phase[steps[-1]], "float32")
    dates = (known.primary_date, *(known.secondary_dates[step] for step in steps))
    return Hit(
        score,
        known.frame_id,
        tuple(f"{date:%Y-%m-%d}" for date in dates),
        samples.caption(number),
        np.where(last == 0, np.nan, last),
    )
