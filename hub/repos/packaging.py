"""Turn a trained model into a repository folder in its own library's format.

Whoever has the library alone can load it: the input planes, classes and normalisation lie in the
library's own configuration. The `ModelFacts` go along in `hephaestus.json`, and in `config.json`
under `hephaestus` wherever the library lets an unknown key live.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_script.safe_files import renamed_folder, write_json
from hub.errors import HubError
from hub.repos.planes import FACTS_FILE, output_names, plane_names, plane_statistics
from training.facts import CONFIG_KEY, ModelFacts

if TYPE_CHECKING:
    from torch import nn


def _save_processor(facts: ModelFacts, out: Path) -> None:
    """Write `preprocessor_config.json`, which `AutoImageProcessor` loads.

    It takes planes first, [T * C, H, W], in the channels' units, and normalises them.
    """
    mean, std = plane_statistics(facts)
    record = {
        "image_processor_type": (
            "SegformerImageProcessor" if facts.objective == "segmentation" else "ViTImageProcessor"
        ),
        "do_resize": False,
        "do_rescale": False,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
        # transformers guesses the axis of the channels if there are 1 or 3, and fails for others
        "input_data_format": "channels_first",
        "channel_names": plane_names(facts),
        "timeseries_length": facts.timeseries_length,
    }
    write_json(out / "preprocessor_config.json", record, indent=2, sort_keys=True)


def _save_timm(model: nn.Module, facts: ModelFacts, out: Path) -> None:
    from timm.models import save_for_hf

    mean, std = plane_statistics(facts)
    side = facts.image_size
    save_for_hf(
        model,
        str(out),
        model_config={"label_names": output_names(facts), CONFIG_KEY: facts.to_dict()},
        safe_serialization=True,
        # statistics in model_config are ignored
        data_config={
            "input_size": (len(mean), side, side),
            "mean": mean,
            "std": std,
            "crop_pct": 1.0,
            "interpolation": "bilinear",
        },
    )
    config = json.loads((out / "config.json").read_text())
    # transformers' wrapper passes the number of classes itself and fails on a second one
    config.get("model_args", {}).pop("num_classes", None)
    write_json(out / "config.json", config, indent=2, sort_keys=True)


def _save_smp(model: nn.Module, facts: ModelFacts, out: Path) -> None:
    model.save_pretrained(str(out))  # type: ignore[operator]
    (out / "README.md").unlink(missing_ok=True)
    config = json.loads((out / "config.json").read_text())
    config["encoder_weights"] = None  # else loading would first download weights to overwrite
    config[f"_{CONFIG_KEY}"] = facts.to_dict()  # smp hands every other key to the model
    write_json(out / "config.json", config, indent=2, sort_keys=True)
    _save_processor(facts, out)


def _save_transformers(model: nn.Module, facts: ModelFacts, out: Path) -> None:
    config: Any = model.config
    config.id2label = dict(enumerate(output_names(facts)))
    config.label2id = {name: index for index, name in config.id2label.items()}
    setattr(config, CONFIG_KEY, facts.to_dict())
    model.save_pretrained(out)  # type: ignore[operator]
    _save_processor(facts, out)


def _save_with_tokenizer(model: nn.Module, facts: ModelFacts, out: Path, tokenizer: Any) -> None:
    setattr(model.config, CONFIG_KEY, facts.to_dict())
    model.save_pretrained(out)  # type: ignore[operator]
    tokenizer.save_pretrained(out)
    _save_processor(facts, out)


def _save_own(model: nn.Module, facts: ModelFacts, out: Path) -> None:
    model.save_pretrained(str(out))  # type: ignore[operator]
    (out / "README.md").unlink(missing_ok=True)
    config = json.loads((out / "config.json").read_text())
    write_json(
        out / "config.json", config | {CONFIG_KEY: facts.to_dict()}, indent=2, sort_keys=True
    )
    _save_processor(facts, out)


_SAVE: dict[str, Callable[[nn.Module, ModelFacts, Path], None]] = {
    "timm": _save_timm,
    "smp": _save_smp,
    "transformers": _save_transformers,
    "hephaestus": _save_own,
}


def package_model(model: nn.Module, facts: ModelFacts, out: Path, tokenizer: Any = None) -> Path:
    """Write a library's model and its facts.

    Args:
        model: The library's own module, weights in place.
        facts: Its facts; `facts.library` says the format.
        out: An existing folder.
        tokenizer: Of a model that writes or reads captions.

    Returns:
        `out`.

    Raises:
        HubError: If the library is unknown.
    """
    if facts.library not in _SAVE:
        raise HubError(f"no way to package a {facts.library!r} model; known: {', '.join(_SAVE)}")
    if facts.objective in ("caption", "retrieval"):
        _save_with_tokenizer(model, facts, out, tokenizer)
    else:
        _SAVE[facts.library](model, facts, out)
    write_json(out / FACTS_FILE, facts.to_dict(), indent=2, sort_keys=True)
    return out


def _halve(folder: Path) -> None:
    """Bring the weights to half precision; libraries load them into whatever they compute in."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        weights = load_file(path)
        for key, value in weights.items():
            if value.is_floating_point():
                weights[key] = value.half()
                if not weights[key].isfinite().all():
                    raise HubError(f"{key} does not fit into half precision; leave --half out")
        save_file(weights, path, metadata)


def package_run(
    run: Path,
    out: Path,
    name: str = "",
    dataset: str = "",
    split: str = "test",
    half: bool = False,
    note: str = "",
) -> Path:
    """Write a run's best model as a repository folder: weights, configuration, facts, card.

    Results lie in the card, and in `.eval_results` if the data's name on the Hub is known.

    Args:
        run: A training run.
        out: Folder to write; an earlier package there is replaced once the new one is complete.
        name: What the card's examples load, a repository or a folder (see `cards.folder_name`);
            `out` if empty.
        dataset: Hub name of the training data, for the card's metadata; the run's own if empty.
        split: Which split's results the card shows.
        half: Keep the weights in half precision, which halves the file.
        note: A sentence for the card: who made the model, on what, in which time.

    Returns:
        `out`.

    Raises:
        HephaestusError: If the run is incomplete or `out` holds something else.
    """
    from hub.repos.cards import folder_name, model_card
    from hub.repos.results import dataset_id, eval_results_files, finite_metrics, write_files
    from training.runs.loaded_run import load_run

    loaded = load_run(run, split)
    with renamed_folder(out, FACTS_FILE) as partial:
        package_model(
            loaded.model.backbone, loaded.facts, partial, getattr(loaded.model, "tokenizer", None)
        )
        if half:
            _halve(partial)
        card = model_card(
            loaded.facts, loaded.results, name or folder_name(out), dataset, loaded.config, note
        )
        (partial / "README.md").write_text(card)
        if finite_metrics(loaded.results or {}) and dataset_id(loaded.facts, dataset):
            write_files(partial, eval_results_files(loaded.facts, loaded.results or {}, dataset))
    return out
