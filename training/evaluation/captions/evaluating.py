"""A run's best captioner measured on a split: what it writes, and how right that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from accelerate import Accelerator
from torch import Tensor
from tqdm.auto import tqdm

from dataset_script.channels import PHASE
from dataset_script.safe_files import renamed, write_json
from training.captions.fact_scores import fact_counts, overall_counts
from training.data.digests import samples_digests
from training.data.loader import Batch
from training.data.samples import Samples
from training.data.sources import open_data
from training.evaluation.captions.pictures import Example, choose, draw_captions
from training.evaluation.captions.report import measure
from training.evaluation.captions.rules import trivial_captions
from training.evaluation.captions.writing import Written, write_captions
from training.evaluation.plots.curves import draw_history, save_figure
from training.evaluation.stored import PREDICTIONS, identities, measured_on, note_of
from training.inputs.preprocessing import Preprocessor
from training.models.captioner.model import Captioner
from training.runs.history import read_history
from training.runs.loaded_run import LoadedRun
from training.runs.results import RESULTS, require_same_samples, require_writable, results_folder

SHOWN = 6
"""Examples in the picture."""


def evaluate_captions(
    run: Path,
    loaded: LoadedRun,
    accelerator: Accelerator,
    split: str,
    name: str | None,
    trivial_rules: bool,
) -> dict[str, Any]:
    """Let a run's best captioner write of a split, and keep the sentences and their scores.

    Args:
        run: The run's folder.
        loaded: Its model; `loaded.config.data` says where the dataset lies.
        accelerator: Device and processes.
        split: Split to measure it on.
        name: What to call the dataset, if not by its own name.
        trivial_rules: Measure the trivial rules too; they need the training split.

    Returns:
        What results.json holds. With several processes only the first writes.

    Raises:
        HephaestusError: If the data is not right, or results on other samples lie under that name.
    """
    config, facts = loaded.config, loaded.facts
    with accelerator.main_process_first():
        data = open_data(config, ("train", split) if trivial_rules else (split,))
    samples, dataset = data.splits[split], name or data.name
    folder, digests = results_folder(run, dataset, split), samples_digests(samples)
    require_same_samples(folder, digests)
    history = read_history(run)
    require_writable(folder)
    written = _write(loaded, samples, accelerator, split)
    rivals = trivial_captions(data.splits["train"], samples) if trivial_rules else {}
    frames = [samples.metadata(i).frame_id for i in range(len(samples))]
    results = {
        **measured_on(facts, data, config, split, dataset, digests),
        **measure(written.sentences, written.references, frames, rivals, config.seed),
    }
    if accelerator.is_main_process:
        columns = _columns(written, samples, rivals)
        table = pa.table(columns).replace_schema_metadata(note_of(facts, dataset, split))
        with renamed(folder / PREDICTIONS) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        write_json(folder / RESULTS, results)
        if shown := _examples(written, samples):
            save_figure(draw_captions(shown), folder / "examples.png")
        if history:
            save_figure(draw_history(history), run / "history.png")
    return results


def _write(loaded: LoadedRun, samples: Samples, accelerator: Accelerator, title: str) -> Written:
    facts, config = loaded.facts, loaded.config
    preprocess = Preprocessor(
        facts.channels, facts.timeseries_length, facts.image_size, overwrite=True, phase=facts.phase
    )
    preprocess.to(accelerator.device)

    def inputs(batch: Batch) -> Tensor:
        return preprocess(batch.rasters)

    return write_captions(
        cast("Captioner", loaded.model.to(accelerator.device)),
        samples,
        accelerator,
        config.training.batch_size,
        config.data.workers,
        inputs,
        progress=lambda batches: tqdm(
            batches, desc=title, disable=not accelerator.is_main_process, leave=False
        ),
    )


def _examples(written: Written, samples: Samples) -> list[Example]:
    """A few sentences, good and bad; none where no caption tells of deformation."""
    examples = []
    for sample in choose(written.sentences, written.references, SHOWN):
        known, step = samples.metadata(sample), int(samples.steps(sample)[-1])
        rasters = samples.rows.read(samples.row(sample))
        raster = rasters.get(PHASE, next(iter(rasters.values())))
        image = np.asarray(raster if raster.ndim == 2 else raster[step], "float32")
        dates = f"{known.primary_date:%Y-%m-%d}"
        if known.secondary_dates:
            dates += f" to {known.secondary_dates[step]:%Y-%m-%d}"
        image = np.where(image == 0, np.nan, image)
        texts = written.references[sample], written.sentences[sample]
        examples.append(Example(f"{known.frame_id}\n{dates}", image, *texts))
    return examples


def _columns(
    written: Written, samples: Samples, rivals: Mapping[str, Sequence[str]]
) -> dict[str, pa.Array]:
    """A row a sample: which, what the annotators say, what the model and the rules say."""
    counts = overall_counts(fact_counts(written.sentences, written.references))
    told = dict(zip(("facts_right", "facts_wrong", "facts_missed"), counts.T, strict=True))
    texts = {
        "reference": written.references,
        "caption": written.sentences,
        **{rule.replace(" ", "_"): list(each) for rule, each in rivals.items()},
    }
    return {
        **identities(samples),
        **{key: pa.array(each, pa.string()) for key, each in texts.items()},
        **{key: pa.array(each, pa.int64()) for key, each in told.items()},
    }
