"""A run's best model measured on a split: results and figures in a folder of their own."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm.auto import tqdm

from dataset_script.errors import ConfigError
from dataset_script.safe_files import write_json
from training.data.digests import samples_digests
from training.data.loader import Batch
from training.data.samples import Samples
from training.data.sources import open_data
from training.evaluation.baselines import Baselines
from training.evaluation.calibration import to_margin
from training.evaluation.captions.evaluating import evaluate_captions
from training.evaluation.detection import Detection
from training.evaluation.masks import written_masks
from training.evaluation.operating_point import calibration, scene_auroc, verdicts
from training.evaluation.plots.curves import draw_curves, draw_history, save_figure
from training.evaluation.plots.examples import draw_examples, make_examples
from training.evaluation.predictions import Forward, Predictions, predict
from training.evaluation.report import (
    averages,
    confidence_intervals,
    overall_metrics,
    per_class,
    tables,
)
from training.evaluation.retrieval.evaluating import evaluate_retrieval
from training.evaluation.stored import PREDICTIONS, measured_on, write_predictions
from training.facts import ModelFacts
from training.inputs.augmentation import dispensable
from training.inputs.preprocessing import Preprocessor
from training.runs.history import read_history
from training.runs.loaded_run import LoadedRun, load_run
from training.runs.processes import make_accelerator
from training.runs.results import RESULTS, require_same_samples, require_writable, results_folder


def evaluate(
    run: Path,
    split: str = "test",
    data_path: str | None = None,
    name: str | None = None,
    *,
    trivial_rules: bool = True,
    masks: bool = False,
) -> dict[str, Any]:
    """Measure a run's best model, and write what it answered, numbers and figures.

    `results_folder` gets results.json, predictions.parquet and figures. Whatever is needed is asked
    for before the model is run.

    Args:
        run: The run's folder.
        split: Split to measure it on.
        data_path: Where the dataset lies, if not where the run was trained from; or another.
        name: What to call the dataset, if not by its own name.
        trivial_rules: Measure the baselines too; they are set on the dataset's training split.
        masks: Also keep the probability of every pixel; of a segmentation.

    Returns:
        What results.json holds. With several processes only the first writes.

    Raises:
        HephaestusError: If the run or the data is not right, or results on other samples lie
            under that name.
    """
    loaded = load_run(run)
    if masks and loaded.facts.objective != "segmentation":
        kind = {"caption": "captioner", "retrieval": "retriever"}.get(
            loaded.facts.objective, "classifier"
        )
        raise ConfigError(f"{run} is a {kind}, which has no masks: leave --masks out")
    if data_path is not None:
        loaded.config.data.path = data_path
    accelerator = make_accelerator()
    if loaded.facts.objective == "caption":
        return evaluate_captions(run, loaded, accelerator, split, name, trivial_rules)
    if loaded.facts.objective == "retrieval":
        return evaluate_retrieval(run, loaded, accelerator, split, name)
    with accelerator.main_process_first():
        data = open_data(loaded.config, (split,))
        rules = Baselines(loaded.config, split) if trivial_rules else None
    samples, facts, config = data.splits[split], loaded.facts, loaded.config
    if name is None and data.correct_stratified != facts.correct_stratified:
        learnt, given = (
            "without the stratified troposphere" if corrected else "as they were measured"
            for corrected in (facts.correct_stratified, data.correct_stratified)
        )
        raise ConfigError(
            f"{run} learnt phases {learnt}, and {config.data.path} has them {given}: results of "
            "both must not share a name; give --name if this is meant"
        )
    dataset = name or data.name
    folder, digests = results_folder(run, dataset, split), samples_digests(samples)
    require_same_samples(folder, digests)
    history = read_history(run)
    require_writable(folder)
    forward = make_forward(loaded, accelerator)
    run_over: contextlib.AbstractContextManager[Forward] = contextlib.nullcontext(forward)
    if masks:
        run_over = written_masks(forward, samples, accelerator, folder, facts.temperature)
    with run_over as asked:
        predictions = _predict(asked, samples, loaded, accelerator, split)
    results = {
        **measured_on(facts, data, config, split, dataset, digests),
        **measure(predictions, samples, facts, config.seed),
        "without_inputs": _without_inputs(loaded, samples, accelerator),
        "baselines": {} if rules is None else rules.measure(accelerator),
    }
    if accelerator.is_main_process:
        write_predictions(folder / PREDICTIONS, predictions, samples, facts, dataset, split)
        write_json(folder / RESULTS, results)
        _draw(folder, loaded, samples, predictions, results, forward, accelerator)
        if history:
            save_figure(draw_history(history), run / "history.png")
    return results


def measure(
    predictions: Predictions, samples: Samples, facts: ModelFacts, seed: int
) -> dict[str, Any]:
    """Everything that is reported of a model's predictions; see `write_predictions`.

    Args:
        predictions: The predictions, at the model's temperature.
        samples: The split that they are of.
        facts: Of the model.
        seed: Seed of the resampling.

    Returns:
        The operating point, metrics with intervals, averages and tables, verdicts, calibration.
    """
    threshold = to_margin(facts.threshold, facts.temperature)
    return {
        "threshold": facts.threshold,
        "unsure": list(facts.limits),
        "temperature": facts.temperature,
        "metrics": overall_metrics(predictions, threshold)
        | scene_auroc(predictions, facts.temperature),
        "confidence_intervals": confidence_intervals(predictions, samples, threshold, seed),
        "averages": averages(predictions, threshold),
        "per_class": per_class(predictions, threshold),
        **tables(predictions, samples, threshold),
        "verdicts": verdicts(predictions, facts.temperature, facts.limits),
        "calibration": calibration(predictions, facts.temperature),
    }


def _predict(
    forward: Forward, samples: Samples, loaded: LoadedRun, accelerator: Accelerator, title: str
) -> Predictions:
    return predict(
        forward,
        samples,
        accelerator,
        loaded.config.training.batch_size,
        loaded.config.data.workers,
        progress=lambda batches: tqdm(
            batches, desc=title, disable=not accelerator.is_main_process, leave=False
        ),
        temperature=loaded.facts.temperature,
    )


def _without_inputs(
    loaded: LoadedRun, samples: Samples, accelerator: Accelerator
) -> dict[str, dict[str, Any]]:
    """The metrics without each input that the model learned to do without, and without any."""
    facts = loaded.facts
    groups = dispensable(loaded.config.augmentation, facts.channels)
    if len(groups) > 1:
        groups[" and ".join(groups)] = facts.optional
    threshold = to_margin(facts.threshold, facts.temperature)
    found = {}
    for what, names in groups.items():
        forward = make_forward(loaded, accelerator, names)
        predictions = _predict(forward, samples, loaded, accelerator, f"without {what}")
        found[what] = overall_metrics(predictions, threshold)
        found[what] |= scene_auroc(predictions, facts.temperature)
    return found


def make_forward(
    loaded: LoadedRun, accelerator: Accelerator, withheld: Sequence[str] = ()
) -> Forward:
    """From a compact batch to the logits, in the precision that accelerate was given.

    Args:
        loaded: The run's model.
        accelerator: Device and precision.
        withheld: Channels that the model is not shown.
    """
    facts = loaded.facts
    preprocess = Preprocessor(
        facts.channels, facts.timeseries_length, facts.image_size, overwrite=True, phase=facts.phase
    )
    preprocess.to(accelerator.device)
    model = loaded.model.to(accelerator.device)

    def forward(batch: Batch) -> Tensor:
        with accelerator.autocast():
            shown = dict(batch.rasters)
            for name in withheld:
                shown[name] = torch.full_like(shown[name], math.nan, dtype=torch.float32)
            return model(preprocess(shown))

    return forward


def _draw(
    folder: Path,
    loaded: LoadedRun,
    samples: Samples,
    predictions: Predictions,
    results: dict[str, Any],
    forward: Forward,
    accelerator: Accelerator,
) -> None:
    _, positives, negatives = Detection(predictions).counts(np.ones(len(samples)))
    curves = draw_curves(positives, negatives, results["metrics"], results["calibration"])
    save_figure(curves, folder / "curves.png")
    examples = make_examples(forward, samples, accelerator.device, 6, loaded.facts.temperature)
    save_figure(draw_examples(examples, loaded.facts.threshold), folder / "examples.png")


def describe(results: dict[str, Any]) -> str:
    """Results as a small table, the trivial baselines below the model."""
    keys = [key for key, value in results["metrics"].items() if value is not None]
    keys = [key for key in keys if not key.startswith("detection_")]
    lines = [f"{'':16}" + "".join(f"{key[:12]:>13}" for key in keys)]
    for name, metrics in {"model": results["metrics"], **results["baselines"]}.items():
        cells = (metrics.get(key) for key in keys)
        texts = (f"{'-' if value is None else format(value, '.3f'):>13}" for value in cells)
        lines.append(f"{name:16}" + "".join(texts))
    intervals = results["confidence_intervals"].get("f1")
    own = {"binary": "F1", "caption": "the facts' F1"}
    named = own.get(results["task"], "the F1 of deformation as such")
    if intervals:
        drawn = results.get("resampled", "groups")
        ends = f"{intervals[0]:.3f}..{intervals[1]:.3f}"
        lines.append(f"95 % interval of {named} ({drawn} resampled): {ends}")
    for rule, gaps in results.get("differences", {}).items():
        ends = f"{gaps['f1_low']:.3f}..{gaps['f1_high']:.3f}"
        lines.append(f"{named} above that of {rule}: {gaps['f1']:.3f}, 95 % interval {ends}")
    return "\n".join(lines)
