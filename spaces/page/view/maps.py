"""The mask on a Leaflet map, in a frame of its own."""

from __future__ import annotations

from html import escape
from typing import Any

from rasterio.warp import transform_bounds

from hub.inference.outputs import feature_collection
from page.answers.analysis import Answer

_WGS84 = "EPSG:4326"
_OFFLINE = """<p style="position:absolute;inset:0;margin:0;display:grid;place-items:center;
font:15px system-ui,sans-serif;text-align:center;padding:1rem;color:#33414e;z-index:-1">
The map could not be loaded: it needs a connection to the internet.<br>The GeoJSON and GeoTIFF
downloads below hold the same mask.</p>"""


def empty_map(text: str = "The mask is placed on a map when the scene is georeferenced.") -> str:
    """The map's place without a map."""
    return f'<div class="hp map"><div class="empty">{escape(text)}</div></div>'


def mask_map(answer: Answer) -> str:
    """The mask's polygons over probability on a street map.

    Args:
        answer: The answer; its scene may have any coordinate reference system.

    Returns:
        A sandboxed frame: the map's scripts come from a CDN and may not touch the page.
    """
    import folium

    scene, prediction = answer.scene, answer.segmentation
    if scene.transform is None or scene.crs is None:
        return empty_map("There is no map: the scene has no georeference.")
    if prediction is None or prediction.mask is None or prediction.probability is None:
        return empty_map("There is no map: no segmentation model was asked.")
    left, top = scene.place(0, 0)
    right, bottom = scene.place(scene.width, scene.height)
    west, south, east, north = transform_bounds(scene.crs, _WGS84, left, bottom, right, top)
    if east < west:  # across the antimeridian, longitudes go on beyond 180
        east += 360
    chart = folium.Map(control_scale=True, tiles="OpenStreetMap")
    folium.Rectangle(
        [[south, west], [north, east]], color="#33414e", weight=1, fill=False, dash_array="4"
    ).add_to(chart)
    patches = feature_collection(prediction, cut=False)
    if patches["features"]:
        folium.GeoJson(
            patches,
            name="Mask",
            tooltip=folium.GeoJsonTooltip(["area_km2", "mean_probability"], localize=True),
            style_function=lambda _: {"color": "#7a0f3c", "weight": 2, "fillOpacity": 0.25},
        ).add_to(chart)
    chart.fit_bounds([[south, west], [north, east]])
    root: Any = chart.get_root()
    root.html.add_child(folium.Element(_OFFLINE))
    document = escape(root.render(), quote=True)
    count = len(patches["features"])
    found = f"{count} deforming patch{'es' if count != 1 else ''}"
    return (
        f'<div class="hp map"><iframe title="Map of the mask: {found}" loading="lazy" '
        f'sandbox="allow-scripts allow-popups" srcdoc="{document}"></iframe></div>'
    )
