"""The page's own manual: how to read it, what may be sent, and how a program asks."""

from __future__ import annotations

from page.settings import Settings


def upload_help(settings: Settings) -> str:
    """What may be uploaded, and how much of it."""
    return f"""<div class="hp quiet"><p>Files of one scene, as
<code>python -m hub predict</code> reads them:</p><ul>
<li>a product’s phase with coherence and elevation where you have them: LiCSAR’s
<code>.geo.diff_pha.tif</code>, <code>.geo.cc.tif</code> and <code>.geo.hgt.tif</code> of one to
three dates, HyP3’s or GAMMA’s GeoTIFFs, GMTSAR’s <code>.grd</code>, MintPy’s, ARIA’s and NISAR’s
HDF5 and netCDF, ISCE’s and ROI_PAC’s rasters with their headers, or any other raster of radians;
of several primary dates the last is read;</li>
<li>a zip of a product’s whole folder;</li>
<li>an <code>.npz</code> with <code>insar_difference</code> (radians) and, if at hand,
<code>insar_coherence</code>, <code>dem</code>, <code>crs</code>, <code>bounds</code>;</li>
<li>a zipped minicube (<code>.zarr.zip</code>): its latest primary date is read.</li></ul>
<p>At most {settings.max_upload_bytes // 2**20} MB and {settings.max_pixels / 1e6:g} million pixels.
Files are deleted as soon as they are read.</p></div>"""


def examples_help(real: bool, rows: bool, simulated: bool) -> str:
    """Where the examples come from."""
    parts = ["The first are this page’s own."] if real and rows else []
    if rows:
        parts.append("Those of the dataset are chosen by its annotations, not by the models.")
    if simulated:
        parts.append("Its pixels are simulated.")
    return " ".join(parts)


READING = """
- **Wrapped phase** repeats every fringe: the colours run in a circle, and the same colour again
  means 2.77 cm more (or less) along the line of sight. Rings around a volcano may be ground that
  rises or sinks; broad bands that follow the terrain are more often air.
- **The picture** shows two layers, one over the other; move the opacity between them. Drag to move
  it, scroll to zoom. A click shows every date of that pixel, relative to a point that you can
  move. In a large scene, draw a box and judge it first.
- **The verdict** is about the whole scene, and the same in every file: the probability of the
  square kilometre that is most likely to deform, and where that is. From the upper mark on the bar
  it is “deformation”, where false alarms are few; below the lower mark “no deformation”, where
  misses are few; between them “unsure”. A model may have one mark for both. The classifier is a
  second opinion: where it says the opposite, the models disagree, and you should look.
- **The white line** is the border of the mask: patches of pixels whose probability is above the
  threshold, and which alone would not make a quiet scene. Where the verdict is “no deformation”,
  none is drawn, wherever the threshold is. Moving the threshold draws the mask again from the same
  probabilities, and leaves the verdict as it is. Where experts have drawn one (the dataset, some
  `.npz`), theirs is dashed and yellow.
- **Probabilities** are calibrated: of what is given 80 %, about four in five deformed *in
  validation data like the training data*.
- **Low coherence** (dark) is noise, and noise can look like fringes.
- Missing channels are filled with the training mean; a warning then says so.
"""


API = """
```python
from gradio_client import Client, handle_file

client = Client("ADDRESS OF THIS PAGE")
answer = client.predict(
    files=[handle_file("20210101_20210113.geo.diff_pha.tif"),
           handle_file("20210101_20210113.geo.cc.tif")],
    sample="",            # or a sample_id of the dataset, and files=[]
    segmenter="",         # "" is the page's own; "none" for none; or NAMESPACE/NAME on the Hub
    classifier="",
    threshold=-1,         # of the mask, 0..1, or -1 for the model's own
    api_name="/predict",
)
answer["verdict"]          # "Deformation: probability 0.912 at 13.602° N 40.671° E."
answer["decision"], answer["probability"], answer["place"], answer["area_km2"]
answer["files"]["mask"]    # fetch it from this page's address within half an hour
```

The answer is plain JSON: what the JSON file holds (decision, probability, place, area in km², mean
coherence, model, revision, warnings), each model's own numbers under `segmentation` and
`classification`, and `files` with the paths of the GeoTIFFs, GeoJSON, CSV, JSON and figure. A
mistake comes back as an error with one sentence. Requests wait in a queue; when it is full, a
request is refused at once: try again later.
"""
