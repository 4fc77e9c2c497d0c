"""How GIS programs show a scene's rasters: QGIS styles beside them and the mask's colour table."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from dataset_script.pictures.colour_tables import colours_of

MASK_COLOURS = {0: (255, 255, 255, 0), 1: (216, 27, 96, 255), 255: (217, 217, 217, 255)}
"""RGBA of no deformation, deformation and no data; a GeoTIFF keeps no alpha."""
MASK_LABELS = {0: "no deformation", 1: "deformation", 255: "no data"}
_STOPS = 6


def probability_colour(value: float) -> tuple[int, int, int, int]:
    """RGBA of a probability: batlow, and the less probable the more transparent."""
    red, green, blue = map(int, colours_of(np.array(value), "batlow"))
    return red, green, blue, round(255 * min(1.0, max(0.0, 1.5 * value)))


def probability_qml() -> str:
    """A QGIS style for the probability: interpolated colours from 0 to 1."""
    root, renderer = _style(
        "singlebandpseudocolor", {"classificationMin": "0", "classificationMax": "1"}
    )
    shader = ElementTree.SubElement(renderer, "rastershader")
    ramp = ElementTree.SubElement(
        shader,
        "colorrampshader",
        colorRampType="INTERPOLATED",
        classificationMode="1",
        clip="0",
        minimumValue="0",
        maximumValue="1",
    )
    for stop in range(_STOPS):
        value = stop / (_STOPS - 1)
        colour = probability_colour(value)
        ElementTree.SubElement(
            ramp,
            "item",
            value=f"{value:g}",
            label=f"{value:.1f}",
            color=_hex(colour),
            alpha=str(colour[3]),
        )
    return _text(root)


def mask_qml() -> str:
    """A QGIS style for the mask: a colour and a name for each value."""
    root, renderer = _style("paletted", {})
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for value, colour in MASK_COLOURS.items():
        ElementTree.SubElement(
            palette,
            "paletteEntry",
            value=str(value),
            color=_hex(colour),
            alpha=str(colour[3]),
            label=MASK_LABELS[value],
        )
    return _text(root)


def _style(
    kind: str, attributes: dict[str, str]
) -> tuple[ElementTree.Element, ElementTree.Element]:
    root = ElementTree.Element(
        "qgis",
        version="3.28.0",
        styleCategories="AllStyleCategories",
        hasScaleBasedVisibilityFlag="0",
    )
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(
        pipe, "rasterrenderer", type=kind, band="1", opacity="1", alphaBand="-1"
    )
    for name, value in attributes.items():
        renderer.set(name, value)
    ElementTree.SubElement(renderer, "rasterTransparency")
    ElementTree.SubElement(root, "blendMode").text = "0"
    return root, renderer


def _hex(colour: tuple[int, int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour[:3])


def _text(root: ElementTree.Element) -> str:
    ElementTree.indent(root, " ")
    doctype = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return doctype + ElementTree.tostring(root, encoding="unicode") + "\n"
