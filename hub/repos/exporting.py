"""A packaged model as one file that needs no library of models: ONNX, or torch's exported program.

The network takes normalised planes `[batch, T * C, height, width]`, time-major, and gives logits;
batch, height and width are free, where the architecture leaves the size free.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dataset_script.errors import ConfigError
from dataset_script.safe_files import renamed_folder, write_json
from hub.errors import HubError
from hub.repos.loading import ONNX_FILE, PublishedModel
from hub.repos.onnx_backbone import INPUT, OUTPUT, OnnxBackbone
from hub.repos.planes import FACTS_FILE, output_names, plane_names, plane_statistics
from training.facts import CONFIG_KEY, ModelFacts
from training.models.model import OURS, wrap_backbone

TORCH_FILE = "model.pt2"
FILES = {"onnx": ONNX_FILE, "torch": TORCH_FILE}
"""The file of each format."""

TOLERANCE = 1e-4
"""Greatest difference of a logit from the library's own that an export may have."""

_INPUTS = "input.json"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        file: The network.
        any_size: Whether it takes images of any size, or of the training's alone.
        difference: Greatest difference of a logit, over the sizes that were tried.
    """

    file: Path
    any_size: bool
    difference: float


class _Network(nn.Module):
    """The model behind one face for all libraries: planes in, logits of the images' size out."""

    def __init__(self, backbone: nn.Module, facts: ModelFacts) -> None:
        super().__init__()
        self.model = wrap_backbone(backbone, facts.library, facts.objective)
        self.steps, self.planes = facts.timeseries_length, facts.planes_per_step

    def forward(self, planes: Tensor) -> Tensor:
        return self.model(planes.unflatten(1, (self.steps, self.planes)))


def export_model(model: PublishedModel, out: Path, form: str) -> Exported:
    """Write a model as one file, with what its user must know, and check it against the original.

    Args:
        model: The model.
        out: Folder to write; an earlier export there is replaced.
        form: A key of `FILES`.

    Returns:
        What was written.

    Raises:
        HephaestusError: If the model does not load, cannot be traced, or the file's answers differ
            from the library's own by more than `TOLERANCE`; nothing is written then.
    """
    if any(out.glob("*.safetensors")):
        raise ConfigError(
            f"{out} holds a model's weights, which an export would replace: choose another folder"
        )
    facts = model.facts
    if facts.objective == "caption":
        raise ConfigError(
            f"{model.name} writes captions word by word, which one network's file does not: load "
            "its folder with transformers instead, as its card shows"
        )
    if facts.objective == "retrieval":
        raise ConfigError(
            f"{model.name} is two networks, which one file does not hold: load its folder with "
            "transformers instead, as its card shows"
        )
    backbone = model.load_backbone()
    network = _Network(backbone, facts).eval().requires_grad_(False)
    shapes = _shapes(network, facts)
    any_size = len(shapes) > 2
    free = torch.export.Dim.DYNAMIC
    dynamic = {0: free, **({2: free, 3: free} if any_size else {})}
    with renamed_folder(out, FACTS_FILE) as partial:
        file = partial / FILES[form]
        with _quiet(), torch.no_grad():
            try:
                # The largest of all: a side that becomes one pixel would be taken for a constant.
                example = torch.zeros(shapes[-1])
                program = torch.export.export(network, (example,), dynamic_shapes=(dynamic,))
                ask = _write_onnx(program, file, facts) if form == "onnx" else _save(program, file)
            except (RuntimeError, ValueError, AssertionError, TypeError) as error:
                reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
                raise HubError(f"{model.name} cannot be exported to {form}: {reason}") from error
            difference = max(_difference(network, ask, shape) for shape in shapes)
        if not difference <= TOLERANCE:
            raise HubError(
                f"{model.name} as {form} differs from the original by {difference:.2g} in a logit, "
                f"more than {TOLERANCE:g}; nothing was written"
            )
        write_json(partial / FACTS_FILE, facts.to_dict(), indent=2, sort_keys=True)
        write_json(partial / _INPUTS, _describe(facts, any_size), indent=2)
        (partial / "README.md").write_text(_readme(model.name, facts, form, any_size))
    return Exported(out / FILES[form], any_size, difference)


def _shapes(network: nn.Module, facts: ModelFacts) -> list[tuple[int, ...]]:
    """Inputs to be tried: of the training's size, and of others if the model takes any."""
    planes, side = facts.planes_per_step * facts.timeseries_length, facts.image_size
    own: list[tuple[int, ...]] = [(1, planes, side, side), (2, planes, side, side)]
    other = (2, planes, side + 64, side + 128)
    try:
        with torch.no_grad():
            network(torch.zeros(other))
    except (RuntimeError, ValueError, AssertionError):
        return own  # transformers of a fixed grid of patches
    return [*own, (3, planes, side + 128, side + 64), other]


def _write_onnx(
    program: torch.export.ExportedProgram, file: Path, facts: ModelFacts
) -> Callable[[Tensor], Tensor]:
    import onnxscript  # noqa: F401 (torch would name it in a line of its own)

    written = torch.onnx.export(
        program, dynamo=True, input_names=[INPUT], output_names=[OUTPUT], verbose=False
    )
    assert written is not None
    written.model.metadata_props[CONFIG_KEY] = json.dumps(facts.to_dict())
    written.save(str(file))
    return OnnxBackbone(file, OURS)


def _save(program: torch.export.ExportedProgram, file: Path) -> Callable[[Tensor], Tensor]:
    torch.export.save(program, file)
    return program.module()


def _difference(
    network: Callable[[Tensor], Tensor], ask: Callable[[Tensor], Tensor], shape: Sequence[int]
) -> float:
    planes = torch.from_numpy(np.random.default_rng(0).normal(size=shape).astype("float32"))
    return float((network(planes) - ask(planes)).abs().max())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress and the libraries' own deprecations from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _describe(facts: ModelFacts, any_size: bool) -> dict[str, Any]:
    mean, std = plane_statistics(facts)
    side = "any" if any_size else facts.image_size
    return {
        "input": {"name": INPUT, "dtype": "float32", "shape": ["batch", len(mean), side, side]},
        "planes": plane_names(facts),
        "mean": mean,
        "std": std,
        "output": {"name": OUTPUT, "classes": output_names(facts)},
        "temperature": facts.temperature,
        "threshold": facts.threshold,
    }


def _readme(name: str, facts: ModelFacts, form: str, any_size: bool) -> str:
    load = {
        "onnx": "import onnxruntime\n\n"
        f'session = onnxruntime.InferenceSession("{ONNX_FILE}")\n'
        f'(logits,) = session.run(["{OUTPUT}"], {{"{INPUT}": planes}})',
        "torch": "import torch\n\n"
        f'model = torch.export.load("{TORCH_FILE}").module()\n'
        "logits = model(torch.from_numpy(planes))",
    }[form]
    side = facts.image_size
    count = facts.planes_per_step * facts.timeseries_length
    size = "of any size that the architecture takes" if any_size else f"of {side} x {side} pixels"
    return (
        f"# {Path(name).name}, exported to {form}\n\n"
        f"A `{facts.architecture}` that needs none of the libraries that made it.\n\n"
        "```python\nimport json, numpy as np\n\n"
        f'about = json.load(open("{_INPUTS}"))\n'
        "# in the planes' own units\n"
        f'images = np.zeros((1, {count}, {side}, {side}), "float32")\n'
        'mean, std = (np.array(about[k], "float32").reshape(-1, 1, 1) for k in ("mean", "std"))\n'
        "planes = np.nan_to_num((images - mean) / std)  # a missing value is 0\n"
        f"{load}\n```\n\n"
        f"Images {size}, batches of any length. `{_INPUTS}` names the planes in their order, their "
        "means and standard deviations, and the classes of the logits. Divide the logits by the "
        f"temperature for calibrated probabilities.\n"
    )
