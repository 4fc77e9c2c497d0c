"""What lies in each kind of repository before it is published."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hub.errors import HubError, hub_errors
from hub.repos.plans import list_files
from hub.repos.space import ROOMS, needed_modules

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

    from training.facts import ModelFacts

METRICS_FOLDER = Path(__file__).parents[1] / "metrics"

_OURS = re.compile(rf"^from (?:{'|'.join(ROOMS)})[.\w]*\.(\w+) import", re.MULTILINE)


def check_dataset(folder: Path) -> None:
    """Check that a folder is a complete dataset: a card whose configs all have their files.

    Raises:
        HubError: Naming what is missing.
    """
    import yaml
    from huggingface_hub import DatasetCard

    from dataset_script.shards.metadata import read_metadata

    read_metadata(folder)  # a version that others could not read is not to be published
    card = folder / "README.md"
    if not card.is_file():
        raise HubError(
            f"{card} is missing: push what `python -m dataset_script export` finished writing"
        )
    try:
        configs = DatasetCard.load(card).data.get("configs") or []
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise HubError(f"the metadata of {card} cannot be read: {reason}") from None
    if not configs:
        raise HubError(
            f"{card} declares no configs in its metadata, so nothing could be loaded: export "
            "the dataset again"
        )
    for config in configs:
        files = config.get("data_files") or []
        for entry in [files] if isinstance(files, str | dict) else files:
            paths = entry["path"] if isinstance(entry, dict) else entry
            for pattern in [paths] if isinstance(paths, str) else paths:
                if not any(folder.glob(pattern)):
                    raise HubError(
                        f"{folder} has no file {pattern}, which {card.name} names for "
                        f"{config.get('config_name')}: run the export again to complete it"
                    )


def _read_run(run: Path, split: str) -> tuple[ModelFacts, dict[str, Any]]:
    """A run's facts and results, without its weights."""
    from training.facts import ModelFacts
    from training.runs.results import read_results, results_folder

    facts = ModelFacts.load(run / "model.json")
    results = read_results(run, facts.dataset, split)
    if results is None:
        path = results_folder(run, facts.dataset, split)
        raise HubError(f"{path} is missing: run training/evaluate.py {run} --split {split} first")
    return facts, results


def _remote_card(repo_id: str, revision: str | None) -> str:
    """The README of a model's repository."""
    from huggingface_hub import hf_hub_download

    with hub_errors(f"model {repo_id}"):
        return Path(hf_hub_download(repo_id, "README.md", revision=revision)).read_text()


def _with_results(card: str, facts: ModelFacts, results: Mapping[str, Any], dataset: str) -> str:
    """A model card whose `model-index` holds these results; the text stays as it is."""
    from huggingface_hub import ModelCard

    from hub.repos.results import eval_results

    parsed = ModelCard(card)
    data = cast("ModelCardData", parsed.data)
    data.model_name = data.model_name or facts.architecture
    data.eval_results = eval_results(facts, results, dataset)
    return str(parsed)


def prepare_results(
    run: Path,
    out: Path,
    repo_id: str | None,
    dataset: str,
    revision: str | None = None,
    split: str = "test",
) -> Path:
    """Write `.eval_results/*.yaml`, and the model's card with `model-index` brought up to date.

    Args:
        run: An evaluated run.
        out: An empty folder.
        repo_id: The model's repository, whose card is read; without it no card is written.
        dataset: Hub name of the benchmark.
        revision: Branch of the model's repository.
        split: Which split's results to publish.

    Returns:
        `out`.

    Raises:
        HubError: If the run has no results or the model is not on the Hub.
    """
    from hub.repos.results import eval_results_files, write_files

    facts, results = _read_run(run, split)
    write_files(out, eval_results_files(facts, results, dataset))
    if repo_id:
        card = _with_results(_remote_card(repo_id, revision), facts, results, dataset)
        (out / "README.md").write_text(card)
    return out


def prepare_results_row(
    run: Path,
    out: Path,
    model: str,
    name: str,
    dataset: str,
    revision: str | None = None,
    split: str = "test",
) -> Path:
    """Write a run's row of a results dataset, and the dataset's card.

    Args:
        run: An evaluated run.
        out: An empty folder.
        model: The model's repository.
        name: Repository of the results dataset.
        dataset: Hub name of the benchmark.
        revision: Branch of the model's repository; the row carries its weights' commit.
        split: Which split's results to publish.

    Returns:
        `out`.
    """
    from huggingface_hub import HfApi

    from hub.repos.cards import results_card
    from hub.repos.results import results_file, results_row

    facts, results = _read_run(run, split)
    with hub_errors(f"model {model}"):
        commit = HfApi().model_info(model, revision=revision).sha or ""
    path, content = results_file(results_row(facts, results, model, commit, dataset))
    (out / path).parent.mkdir(parents=True)
    (out / path).write_bytes(content)
    (out / "README.md").write_text(results_card(name))
    return out


def prepare_metric(name: str, out: Path, namespace: str = "") -> Path:
    """Write the repository of one of our metrics; modules of ours that it imports lie beside it.

    Args:
        name: The metric, a folder under `hub/metrics`.
        out: An empty folder, or one that does not exist.
        namespace: Where it will lie, for the example on its page.

    Returns:
        `out`.

    Raises:
        HubError: If there is no such metric.
    """
    known = sorted(path.parent.name for path in METRICS_FOLDER.glob("*/README.md"))
    if name not in known:
        raise HubError(f"no metric {name!r}; there are {', '.join(known)}")
    out.mkdir(parents=True, exist_ok=True)
    modules = needed_modules([METRICS_FOLDER / name / f"{name}.py"])
    for path in [*list_files(METRICS_FOLDER / name), *modules]:
        if path.suffix == ".py" and path.name != "__init__.py":
            (out / path.name).write_text(_OURS.sub(r"from .\1 import", path.read_text()))
        elif path.suffix != ".py":
            shutil.copyfile(path, out / path.name)
    if namespace:
        page = (out / "README.md").read_text()
        (out / "README.md").write_text(page.replace("NAMESPACE/", f"{namespace}/"))
    return out
