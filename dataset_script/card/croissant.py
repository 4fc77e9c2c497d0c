"""Croissant metadata (MLCommons' JSON-LD) of an exported dataset."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

from datasets import Array2D, Array3D, ClassLabel, Features, Image, List

from dataset_script.card.summary import CITATION, LICENSE_URL, TITLE, URL, Summary
from dataset_script.channels import BY_NAME
from dataset_script.pictures.preview import PREVIEW_FEATURES
from dataset_script.rows.features import MEANINGS

_MEDIA = {
    "parquet": "application/x-parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "tar": "application/x-tar",
}
_TYPES = {
    "string": "sc:Text",
    "date32": "sc:Date",
    "bool": "sc:Boolean",
    "float32": "cr:Float32",
    "float64": "cr:Float64",
    "uint8": "cr:UInt8",
    "int8": "cr:Int8",
    "int32": "cr:Int32",
    "int64": "cr:Int64",
}


def build_croissant(summary: Summary) -> dict[str, Any]:
    """Describe a finished export in Croissant 1.1.

    Args:
        summary: The finished export.

    Returns:
        JSON-LD, for `croissant.json` in the dataset's folder.
    """
    columns = {recipe.name: recipe.features for recipe in summary.recipes}
    if summary.previewed:
        columns["preview"] = PREVIEW_FEATURES
    plain = summary.format != "webdataset"
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": TITLE,
        "description": (
            "Sentinel-1 interferograms over volcanoes with expert annotations of ground "
            "deformation, as time series with terrain and atmosphere."
            + (" The pixels are simulated." if summary.synthetic else "")
        ),
        "url": URL,
        "license": LICENSE_URL,
        "creator": {"@type": "sc:Organization", "name": "Orion Lab"},
        "citeAs": CITATION,
        "version": "1.0.0",
        "datePublished": "2025-05-23",
        "isLiveDataset": False,
        "distribution": [
            _file_set(name, summary) for name in (columns if plain else summary.shards)
        ],
        "recordSet": [_record_set(name, features) for name, features in columns.items()]
        if plain
        else [],
    }


def _file_set(config: str, summary: Summary) -> dict[str, Any]:
    folder = f"data/{config}" if summary.format != "webdataset" else config.removeprefix("ts")
    suffix = {"webdataset": "tar"}.get(summary.format, summary.format)
    return {
        "@type": "cr:FileSet",
        "@id": f"files-{config}",
        "name": f"files-{config}",
        "description": f"Shards of the config {config}; a name begins with its split.",
        "encodingFormat": _MEDIA[suffix],
        "includes": f"{folder}/*.{suffix}" if suffix != "tar" else f"{folder}/*/*.tar",
    }


def _record_set(config: str, features: Features) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": f"Rows of the config {config}.",
        "key": {"@id": f"{config}/sample_id"},
        "field": [_field(config, name, feature) for name, feature in features.items()],
    }


def _field(config: str, name: str, feature: Any) -> dict[str, Any]:
    depth, shape, leaf = 0, [], feature
    while isinstance(leaf, List):
        depth, leaf = depth + 1, leaf.feature
        shape.append(-1)
    if isinstance(leaf, (Array2D, Array3D)):
        shape = [-1 if side is None else side for side in leaf.shape]
    if isinstance(leaf, Image):
        kind = "sc:ImageObject"
    elif isinstance(leaf, ClassLabel):
        kind = "cr:Int64"
    else:
        kind = _TYPES[leaf.dtype]
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{config}/{name}",
        "name": name,
        "description": _describe(name, leaf),
        "dataType": kind,
        "source": {"fileSet": {"@id": f"files-{config}"}, "extract": {"column": name}},
    }
    if isinstance(leaf, Image):
        field["source"]["transform"] = {"jsonPath": "bytes"}
    if shape:
        field |= {"isArray": True, "arrayShape": ",".join(map(str, shape))}
    return field


def _describe(name: str, leaf: Any) -> str:
    if name in BY_NAME:
        channel = BY_NAME[name]
        return f"{channel.title} ({channel.unit})"
    said = MEANINGS.get(name, name.replace("_", " "))
    if isinstance(leaf, ClassLabel):
        said += ": " + ", ".join(f"{code} {word}" for code, word in enumerate(leaf.names))
    return said


def _context() -> dict[str, Any]:
    folder = importlib.resources.files("dataset_script.card") / "templates"
    return json.loads((folder / "croissant_context.json").read_text())
