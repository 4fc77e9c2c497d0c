"""The files of a prediction: rasters on the input's grid, polygons, numbers, and a figure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from rasterio.errors import NotGeoreferencedWarning

from dataset_script.safe_files import renamed, write_json
from hub.inference.polygons import bounds_degrees, cut_at_antimeridian
from hub.inference.prediction import Prediction
from hub.record.claims import ENDINGS
from hub.record.formats.kmz import write_kmz
from hub.record.formats.quicklook import quicklook
from hub.record.formats.styles import MASK_COLOURS, mask_qml, probability_qml
from hub.record.writing import write_csv

NO_DATA = 255
"""Value of the mask GeoTIFF where the input has no data."""


KINDS = ("probability", "mask", "styles", "geojson", "kmz", "csv", "figure", "quicklook", "json")
"""Files of a prediction."""


def save_prediction(
    prediction: Prediction,
    folder: str | Path,
    made_from: Mapping[str, Any] | None = None,
    kinds: Collection[str] = KINDS,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Path]:
    """Write a prediction's files, each called `<scene>` and what it is.

    What follows the name is in `claims.ENDINGS`.

    The GeoTIFFs are cloud-optimised and lie on the input's grid: probability as float32 with NaN
    for no data, mask as uint8 with 0, 1 and 255. A classification has no rasters and no polygons,
    and a scene without georeference no polygons. The JSON is written last: where it lies, all
    the others do.

    Args:
        prediction: What to write.
        folder: Where to write; it is made if it does not exist.
        made_from: Kept in the JSON, to tell later whether the answer still holds.
        kinds: Which of `KINDS` to write.
        about: Where the scene is from, for the JSON.

    Returns:
        Path by kind, of what was written.
    """
    folder = Path(folder)
    name = prediction.scene.name
    summary = prediction.summary()
    paths: dict[str, Path] = {}

    def put(kind: str, write: Callable[[Path], None]) -> None:
        if kind.removesuffix("_style") not in kinds:
            return
        paths[kind] = folder / f"{name}{ENDINGS[kind]}"
        with renamed(paths[kind], shared=True) as path:
            write(path)

    if prediction.probability is not None and prediction.mask is not None:
        probability = prediction.probability
        mask = np.where(prediction.scene.nodata, np.uint8(NO_DATA), prediction.mask)
        put("probability", _raster_writer(prediction, probability, np.nan))
        put("mask", _raster_writer(prediction, mask.astype(np.uint8), NO_DATA))
        if "styles" in kinds:
            for raster, style in (("probability", probability_qml()), ("mask", mask_qml())):
                put(f"{raster}_style", partial(_write_text, style))
        if prediction.scene.georeferenced:
            regions = feature_collection(prediction)
            put("geojson", lambda path: write_json(path, regions, indent=2))
            put("kmz", lambda path: _write_kmz(prediction, path))
    put("csv", lambda path: write_csv(path, list(summary), [summary]))
    put("figure", lambda path: _draw(prediction, path))
    put("quicklook", lambda path: _draw_quicklook(prediction, path))
    files = {kind: path.name for kind, path in paths.items()}
    record = summary | dict(about or {}) | {"files": files, "made_from": dict(made_from or {})}
    put("json", lambda path: write_json(path, record, indent=2))
    return paths


def feature_collection(prediction: Prediction, cut: bool = True) -> dict[str, Any]:
    """The mask's patches as GeoJSON (RFC 7946: longitude and latitude, WGS 84).

    Args:
        prediction: The prediction.
        cut: Whether patches across the antimeridian are cut there, as the standard asks; a map
            draws them in one piece if they are not.
    """
    summary = prediction.summary()
    shared = {
        key: summary[key]
        for key in (
            "scene",
            "decision",
            "primary_date",
            "secondary_dates",
            "threshold",
            "model",
            "revision",
        )
    }
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(
                # Rounded in a way that no outline crosses itself.
                shapely.orient_polygons(
                    shapely.set_precision(
                        cut_at_antimeridian(region.polygon) if cut else region.polygon, 1e-8
                    )
                )
            ),
            "properties": {
                "area_km2": region.area_km2,
                "mean_probability": region.mean_probability,
                "max_probability": region.max_probability,
                **shared,
            },
        }
        for region in prediction.regions
    ]
    return {"type": "FeatureCollection", "features": features}


def _raster_writer(
    prediction: Prediction, values: np.ndarray, nodata: float
) -> Callable[[Path], None]:
    scene = prediction.scene
    place = {"crs": scene.crs, "transform": scene.transform} if scene.georeferenced else {}

    def write(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(
                path,
                "w",
                driver="COG",
                height=scene.height,
                width=scene.width,
                count=1,
                dtype=values.dtype,
                nodata=nodata,
                compress="deflate",
                predictor="yes",
                overview_resampling="nearest",
                **place,
            ) as file:
                file.write(values, 1)
                if values.dtype == np.uint8:
                    file.write_colormap(1, MASK_COLOURS)
                file.update_tags(
                    MODEL=prediction.model,
                    REVISION=prediction.revision,
                    THRESHOLD=prediction.threshold,
                    VERDICT=prediction.verdict.text,
                    NOTICE="research, not an alert",
                )

    return write


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def _write_kmz(prediction: Prediction, path: Path) -> None:
    scene, bounds = prediction.scene, bounds_degrees(prediction.scene)
    assert prediction.probability is not None and bounds is not None
    assert scene.transform is not None and scene.crs is not None
    patches = [
        (
            cut_at_antimeridian(region.polygon),
            f"{region.area_km2:.2f} km², mean probability {region.mean_probability:.2f}",
        )
        for region in prediction.regions
    ]
    said = f"{prediction.verdict.text} {prediction.model}; research, not an alert."
    write_kmz(
        path, scene.name, said, prediction.probability, scene.transform, scene.crs, bounds, patches
    )


def _draw_quicklook(prediction: Prediction, path: Path) -> None:
    scene = prediction.scene
    row, column = prediction.place_pixel
    last = scene.steps - 1
    picture = quicklook(
        scene.insar_difference[last], scene.absent(last), prediction.mask, row, column
    )
    picture.save(path, "PNG")


def _draw(prediction: Prediction, path: Path) -> None:
    from hub.inference.figures import draw_prediction

    # Phase is as good as noise: more effort at compressing it takes longer and gains 6 %.
    quick = {"compress_level": 1}
    draw_prediction(prediction).savefig(path, format="png", dpi=120, pil_kwargs=quick)
