"""Weights and facts of a published model, from a folder or from the Hub."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_script.errors import ConfigError, HephaestusError
from hub.errors import HubError, hub_errors
from hub.repos.planes import FACTS_FILE
from training.errors import one_line
from training.facts import ModelFacts, refuse_pickle

if TYPE_CHECKING:
    from torch import nn

IN_THE_BOX = "deformation-segmenter"
"""The model that comes with the project; it is what an empty name stands for."""
_PRETRAINED = Path(__file__).resolve().parents[1] / "pretrained"
_WEIGHTS = "model*.safetensors"  # transformers cuts large weights into several files
_FILES = ["*.json", _WEIGHTS]
ONNX_FILE = "model.onnx"
"""The network of `python -m hub export-model`, which ONNX Runtime runs."""


@dataclass(frozen=True)
class PublishedModel:
    """A model as it was published, on this disk; its weights are not in memory.

    Attributes:
        name: The folder or repository that was asked for.
        folder: Where its files lie.
        facts: Its facts.
        revision: Its commit, or "local".
        weights: Digest of its weights.
    """

    name: str
    folder: Path
    facts: ModelFacts
    revision: str
    weights: str

    @property
    def label(self) -> str:
        """What results call it: never where on a disk it lies, for results are passed on."""
        path = Path(self.name)
        return str(Path(*path.parts[-2:])) if path.is_absolute() else self.name

    def load_backbone(self) -> nn.Module:
        """The library's own module, weights in place.

        Raises:
            ConfigError: If the library is unknown.
            HubError: If the weights do not load.
        """
        from safetensors import SafetensorError

        try:
            # The Hub's mixin prints where it loads from, into what may be a command's result.
            with contextlib.redirect_stdout(io.StringIO()):
                return _load_by_library(self.folder, self.facts)
        except HephaestusError:
            raise
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise HubError(
                f"{self.name} does not load as a {self.facts.library} model: {reason}"
            ) from None

    def load_tokenizer(self) -> Any:
        """The tokenizer of a model that writes or reads sentences, by transformers.

        Raises:
            HubError: If it does not load.
        """
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(self.folder)
        except (OSError, ValueError) as error:
            raise HubError(
                f"the tokenizer of {self.name} does not load: {one_line(error)}"
            ) from None


def find_published(name: str, revision: str | None = None) -> PublishedModel:
    """Find a model of ours, in any library's format; torch is not needed.

    Args:
        name: Folder of a packaged model, or repository NS/NAME, which is downloaded, or
            `IN_THE_BOX`.
        revision: Branch, tag or commit of the repository.

    Returns:
        The model.

    Raises:
        ConfigError: If this is not a model of this project, or a revision of a folder is asked
            for.
        HubError: If the repository cannot be had, or it has no safetensors.
    """
    boxed = name == IN_THE_BOX and not Path(name).exists()
    folder = _PRETRAINED / name if boxed else Path(name)
    commit = "local"
    if folder.is_file():
        refuse_pickle(folder)
        raise ConfigError(f"{name} is a file; give the folder of a packaged model")
    if not folder.is_dir():
        folder = _download(name, revision)
        commit = folder.name
    elif revision:
        raise ConfigError(f"{name} is a folder, which has no revision {revision}: leave it out")
    if not (folder / FACTS_FILE).exists():
        message = f"{name} is not a packaged model of this project: it has no {FACTS_FILE}"
        if (folder / "model.json").exists():
            message += f"; package the run with `python -m hub push-model {name} --to-folder DIR`"
        raise ConfigError(message)
    facts = ModelFacts.load(folder / FACTS_FILE)
    return PublishedModel(name, folder, facts, commit, _digest(folder, name))


def find_captioner(name: str) -> PublishedModel:
    """Find a captioner; torch is not needed.

    Args:
        name: Folder of a packaged model, or repository NS/NAME, as NS/NAME@REVISION if need be.

    Raises:
        ConfigError: If this is no captioner of this project.
        HubError: If the repository cannot be had.
    """
    repository, _, revision = (name, "", "") if Path(name).is_dir() else name.partition("@")
    found = find_published(repository, revision or None)
    if found.facts.objective != "caption":
        raise ConfigError(
            f"{name} is for {found.facts.objective}: --captions takes a model that writes captions"
        )
    return found


def split_model(words: Sequence[str]) -> tuple[str, list[str]]:
    """Tell a model from the inputs after it, on a command line that may name one first.

    Args:
        words: Folder of a packaged model, or repository NS/NAME, or neither; then inputs.

    Returns:
        The model, `IN_THE_BOX` if none is named, and the inputs.

    Raises:
        ConfigError: If there is a model and no input.
    """
    first, *rest = words
    folder = Path(first)
    a_folder = any((folder / name).is_file() for name in (FACTS_FILE, "model.json"))
    a_name = first == IN_THE_BOX or re.fullmatch(r"[\w.-]+/[\w.-]+", first) is not None
    if a_folder and not rest:
        raise ConfigError(f"{first} is a model; name the interferograms after it")
    if a_folder or (rest and a_name and not folder.exists()):
        return first, rest
    return IN_THE_BOX, list(words)


def require_download(name: str, revision: str | None, most_bytes: int) -> str | None:
    """Ask the Hub how much `find_published` would download, before it does.

    Args:
        name: Repository NS/NAME.
        revision: Branch, tag or commit of the repository.
        most_bytes: Largest download that is allowed.

    Returns:
        The commit that was measured, to load instead of a branch that may move on; `revision`
        itself in offline mode, where nothing is downloaded.

    Raises:
        HubError: If it would be more, or the repository cannot be had.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.utils import filter_repo_objects

    if constants.HF_HUB_OFFLINE:
        return revision
    with hub_errors(f"model {name}"):
        found = HfApi().model_info(name, revision=revision, files_metadata=True)
    files = filter_repo_objects(
        found.siblings or (), allow_patterns=_FILES, key=lambda file: file.rfilename
    )
    total = sum(math.inf if file.size is None else file.size for file in files)
    if total > most_bytes:
        raise HubError(
            f"model {name} is {total / 1e6:,.0f} MB to download; at most "
            f"{most_bytes / 1e6:,.0f} MB are allowed here: choose a smaller one"
        )
    return found.sha


def _digest(folder: Path, name: str) -> str:
    """Hash of the weights, safetensors or ONNX: any other would have to be unpickled."""
    files = sorted(folder.glob(_WEIGHTS)) or sorted(folder.glob(ONNX_FILE))
    if not files:
        raise HubError(f"{name} has no weights as safetensors")
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ConfigError(f"there is no folder {name}, and a repository is named NS/NAME")
    with hub_errors(f"model {name}"):
        return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES))


def _load_by_library(folder: Path, facts: ModelFacts) -> Any:
    segmentation = facts.objective == "segmentation"
    if not any(folder.glob(_WEIGHTS)):  # nothing but an ONNX file is weights too, see `_digest`
        from hub.repos.onnx_backbone import OnnxBackbone

        return OnnxBackbone(folder / ONNX_FILE, facts.library)
    if facts.library == "timm":
        import timm

        return timm.create_model(f"local-dir:{folder}", pretrained=True)
    if facts.library == "smp":
        import segmentation_models_pytorch as smp

        return smp.from_pretrained(str(folder))
    if facts.library == "transformers":
        import transformers

        if facts.objective == "caption":
            captioner = transformers.VisionEncoderDecoderModel
            return captioner.from_pretrained(folder, use_safetensors=True)
        if facts.objective == "retrieval":
            retriever = transformers.VisionTextDualEncoderModel
            return retriever.from_pretrained(folder, use_safetensors=True)
        auto = (
            "AutoModelForSemanticSegmentation"
            if segmentation
            else "AutoModelForImageClassification"
        )
        return getattr(transformers, auto).from_pretrained(folder, use_safetensors=True)
    if facts.library == "hephaestus":
        from training.models.temporal import TemporalClassifier, TemporalSegmenter

        module = TemporalSegmenter if segmentation else TemporalClassifier
        return module.from_pretrained(folder)
    raise ConfigError(f"{folder}: unknown library {facts.library!r}")
