"""Start a model from weights on disk: a run, a packaged model, or a pretrained encoder.

Weights are found by name. The names of two models that share a part differ by what stands before
them (a run's `backbone.encoder.conv1.weight` is timm's `conv1.weight`), so the pair of prefixes
under which most names meet is looked for, and stated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dataset_script.annotations.json_files import load_json
from dataset_script.errors import ConfigError
from training.errors import one_line
from training.facts import CONFIG_KEY, refuse_pickle
from training.models.inflation import fit

PLACES = ("best/model.safetensors", "model/model.safetensors", "model.safetensors")
"""Where a training run, a pretraining run and a packaged model keep their weights."""

# transformers spells the weights of its vision transformers in two ways: the first in its files and
# in some classes (DPT), the second in the memory of others (ViT, ViT-MAE).
_SPELLINGS = (
    ("encoder.layer.", "layers."),
    ("attention.attention.query.", "attention.q_proj."),
    ("attention.attention.key.", "attention.k_proj."),
    ("attention.attention.value.", "attention.v_proj."),
    ("attention.output.dense.", "attention.o_proj."),
    ("intermediate.dense.", "mlp.fc1."),
    ("output.dense.", "mlp.fc2."),
)


@dataclass(frozen=True)
class LoadedWeights:
    """Which weights of a file were loaded into a model.

    Attributes:
        file: The file read.
        prefixes: What stood before the names there, and what stands before them in the model.
        loaded: Names in the model that were filled.
        changed: Those of them that were inflated to more planes or resampled to another size.
        missing: Names in the model that keep their random start.
        unexpected: Names in the file that the model has no place for.
    """

    file: Path
    prefixes: tuple[str, str]
    loaded: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def __str__(self) -> str:
        source, target = (prefix or "(nothing)" for prefix in self.prefixes)
        lines = [f"{len(self.loaded)} weights from {self.file}, {source} -> {target}"]
        for title in ("changed", "missing", "unexpected"):
            if names := getattr(self, title):
                more = f" and {len(names) - 4} more" if len(names) > 4 else ""
                lines.append(f"{title}: {', '.join(names[:4])}{more}")
        return "; ".join(lines)


def load_weights(model: nn.Module, path: Path) -> LoadedWeights:
    """Fill a model with the weights of another that shares a part with it.

    A first convolution of fewer planes is inflated and position embeddings are resampled (see
    `models.inflation`), so a model of one step can start one of several.

    Args:
        model: The model; changed in place.
        path: Folder of a training or pretraining run or of a packaged model, or a safetensors
            file.

    Returns:
        What was loaded and what was not.

    Raises:
        ConfigError: If there are no weights, none has a name of the model's, or a shape differs.
    """
    file = _find(path)
    source = {_spelt(name): weight for name, weight in _read(file).items()}
    names = {_spelt(name): name for name in model.state_dict()}
    before, after = _prefixes(source, names)
    renamed = {
        names[after + name.removeprefix(before)]: weight
        for name, weight in source.items()
        if name.startswith(before) and after + name.removeprefix(before) in names
    }
    fitting, changed, misfits = fit(renamed, model)
    if misfits:
        name, sizes = next(iter(misfits.items()))
        raise ConfigError(
            f"model.init_from: {len(misfits)} weights of {file} do not fit the model, the first "
            f"being {name} ({sizes}): is it the same architecture, with the same classes?"
        )
    if not fitting:
        raise ConfigError(
            f"model.init_from: no weight of {file} has a name of the model's: is it "
            "the same architecture?"
        )
    model.load_state_dict(fitting, strict=False)
    return LoadedWeights(
        file=file,
        prefixes=(before, after),
        loaded=tuple(fitting),
        changed=tuple(changed),
        missing=tuple(name for name in names.values() if name not in fitting),
        unexpected=tuple(
            name
            for name in source
            if not name.startswith(before) or after + name.removeprefix(before) not in names
        ),
    )


def require_same_channels(path: Path, channels: Sequence[str], phase: str = "raw") -> None:
    """Check that weights were trained on the same channels, where their folder says on which.

    The first filters know a channel by its place alone: others there give numbers, not errors.

    Args:
        path: See `load_weights`.
        channels: Channels of a step about to be fed.
        phase: How the phase is about to be fed, "raw" or "circular".

    Raises:
        ConfigError: Naming the channels, or the form of the phase, that the weights know.
    """
    for name in ("model.json", "hephaestus.json", "model/config.json"):
        if (path / name).is_file():
            record = load_json(path / name)
            facts = record.get(CONFIG_KEY, record) if isinstance(record, dict) else None
            if not isinstance(facts, dict):
                raise ConfigError(f"model.init_from: {path / name} is not what a run writes")
            trained, form = facts.get("channels"), facts.get("phase", "raw")
            if trained is not None and form != phase:
                raise ConfigError(
                    f"model.init_from: {path} was trained on {form} phase; set data.phase to {form}"
                )
            if trained is not None and list(trained) != list(channels):
                raise ConfigError(
                    f"model.init_from: {path} was trained on {', '.join(trained)}; set "
                    "data.channels to these, in this order"
                )


def _read(file: Path) -> dict[str, Tensor]:
    """Weights by their names in memory, which for transformers are not those in the file."""
    config = file.parent / "config.json"
    try:
        names = load_json(config).get("architectures") if config.exists() else None
        kind = getattr(transformers, names[0], None) if names else None
        return load_file(file) if kind is None else kind.from_pretrained(file.parent).state_dict()
    except (SafetensorError, OSError, ValueError) as error:
        raise ConfigError(f"model.init_from: {file} cannot be read: {one_line(error)}") from None


def _spelt(name: str) -> str:
    for written, kept in _SPELLINGS:
        name = name.replace(written, kept)
    return name


def _find(path: Path) -> Path:
    if path.is_file():
        refuse_pickle(path)
        return path
    for place in PLACES:
        if (path / place).is_file():
            return path / place
    raise ConfigError(
        f"model.init_from: {path} has none of {', '.join(PLACES)}: give the folder of a run or of "
        "a packaged model"
    )


def _prefixes(source: Iterable[str], target: Iterable[str]) -> tuple[str, str]:
    """The pair of prefixes under which most names meet; the shortest of equals."""
    tails = [_tails(list(names)) for names in (source, target)]
    pairs = [
        (-len(theirs & ours), len(before) + len(after), before, after)
        for before, theirs in tails[0].items()
        for after, ours in tails[1].items()
    ]
    return min(pairs)[2:]


def _tails(names: Sequence[str]) -> dict[str, set[str]]:
    """What follows each leading part of dotted names (at most six deep, or none)."""
    parts = [name.split(".")[:-1] for name in names]
    heads = {"".join(f"{word}." for word in words[:n]) for words in parts for n in range(7)}
    return {
        head: {name.removeprefix(head) for name in names if name.startswith(head)} for head in heads
    }
