"""A run's best retriever measured on a split: which interferograms its sentences find."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from accelerate import Accelerator
from torch import Tensor
from tqdm.auto import tqdm

from dataset_script.safe_files import write_json
from training.data.digests import samples_digests
from training.data.loader import Batch
from training.data.sources import open_data
from training.evaluation.plots.curves import draw_history, save_figure
from training.evaluation.retrieval.embedding import embed_split
from training.evaluation.retrieval.recall import FIRST, measure_recall
from training.evaluation.stored import measured_on
from training.inputs.preprocessing import Preprocessor
from training.models.retriever.model import Retriever
from training.runs.history import read_history
from training.runs.loaded_run import LoadedRun
from training.runs.results import RESULTS, require_same_samples, require_writable, results_folder

METRICS = (*(f"recall_at_{k}" for k in FIRST), "mrr")
"""What is reported of a retriever as a whole."""


def evaluate_retrieval(
    run: Path, loaded: LoadedRun, accelerator: Accelerator, split: str, name: str | None
) -> dict[str, Any]:
    """Let a run's best retriever look for the interferograms of a split.

    Args:
        run: The run's folder.
        loaded: Its model; `loaded.config.data` says where the dataset lies.
        accelerator: Device and processes.
        split: Split to measure it on.
        name: What to call the dataset, if not by its own name.

    Returns:
        What results.json holds; `recall` has the table of `measure_recall`, and `metrics` its row
        `same facts`. With several processes only the first writes.

    Raises:
        HephaestusError: If the data is not right, or results on other samples lie under that name.
    """
    config, facts = loaded.config, loaded.facts
    with accelerator.main_process_first():
        data = open_data(config, (split,))
    samples, dataset = data.splits[split], name or data.name
    folder, digests = results_folder(run, dataset, split), samples_digests(samples)
    require_same_samples(folder, digests)
    history = read_history(run)
    require_writable(folder)
    preprocess = Preprocessor(
        facts.channels, facts.timeseries_length, facts.image_size, overwrite=True, phase=facts.phase
    ).to(accelerator.device)

    def inputs(batch: Batch) -> Tensor:
        return preprocess(batch.rasters)

    model = cast("Retriever", loaded.model.to(accelerator.device))
    images = embed_split(
        model,
        samples,
        accelerator,
        config.training.batch_size,
        config.data.workers,
        inputs,
        progress=lambda batches: tqdm(
            batches, desc=split, disable=not accelerator.is_main_process, leave=False
        ),
    )
    captions = [samples.caption(sample) for sample in range(len(samples))]
    found = measure_recall(captions, images, model.embed_all, config.seed)
    results = {
        **measured_on(facts, data, config, split, dataset, digests),
        "metrics": {key: found["same facts"][key] for key in METRICS},
        "confidence_intervals": {},
        "baselines": {
            "random order": {
                key: found["same facts"].get(key.replace("recall", "chance"))
                for key in METRICS[:-1]
            }
        },
        "recall": found,
    }
    if accelerator.is_main_process:
        write_json(folder / RESULTS, results)
        if history:
            save_figure(draw_history(history), run / "history.png")
    return results
