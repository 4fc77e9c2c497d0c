"""What an annotator would say of an interferogram, read off what it was made of.

Ground counts as deforming where the unwrapped phase of the sources exceeds `MASK_FRINGES` of a
fringe, and that of one of them `MASK_SHARE` of its peak, on land inside the swath; narrow gaps
between its lobes are closed, small patches dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rasterio.features import shapes
from scipy.ndimage import binary_closing, gaussian_filter, generate_binary_structure, label
from shapely.geometry import shape as as_shape

from dataset_script.annotations.record import PICTURE_SCALE, Annotation
from dataset_script.channels import MASKS
from dataset_script.labels import ACTIVITY_TYPES, INTENSITY_LEVELS, LABELS
from dataset_script.synthetic.labels.captions import Finding, write_caption
from dataset_script.synthetic.labels.defects import PROCESSING_ERRORS
from dataset_script.synthetic.radar.acquisitions import IndexPair
from dataset_script.synthetic.scene import Interferogram, Scene

MASK_FRINGES = 0.25
MASK_SHARE = 0.08
"""Share of its peak from which a strong source is outlined: its far tail only tilts the scene."""
MIN_PIXELS = 24
"""Smaller patches above the threshold go unnoticed."""
CLOSING_PIXELS = 3
"""Narrower gaps between lobes are outlined with them."""
OWNER_SMOOTHING_PIXELS = 6.0
SIMPLIFY_PIXELS = 0.75
# Fringes at the peak, as the annotators counted them: one, two or three, more.
MEDIUM_FROM, HIGH_FROM = 1.5, 3.5
# The kind of source cannot be told in what is mostly noise.
TELLING_COHERENCE = 0.3 * 255
STRATIFIED_FRINGES = 0.6
TURBULENT_RADIANS = 0.6
ORBITAL_FRINGES = 0.8
GLACIER_FRINGES = 0.5
LOW_COHERENCE, LOW_COHERENCE_SHARE = 0.3 * 255, 0.3

TYPE_CODES = {kind: code for code, kind in enumerate(ACTIVITY_TYPES, start=1)}
INTENSITY_CODES = {level: code for code, level in enumerate(INTENSITY_LEVELS)}
LABEL_CODES = {label_: code for code, label_ in enumerate(LABELS)}
QUIET_CONFIDENCE = 0.8


@dataclass(frozen=True)
class Patch:
    """A patch of ground that one source moves.

    Attributes:
        pixels: bool (H, W).
        kind: The source's kind as the annotator names it.
        change: The source's change, in fringes at its peak; negative is rebound.
        fringes: Peak of the unwrapped phase in it, in fringes.
        clarity: Peak against the atmosphere's spread, times the mean coherence.
    """

    pixels: np.ndarray
    kind: str
    change: float
    fringes: float
    clarity: float

    @property
    def intensity(self) -> str:
        """One of `labels.INTENSITY_LEVELS`; earthquakes have none."""
        if self.kind == "Earthquake":
            return "None"
        if self.fringes < MEDIUM_FROM:
            return "Low"
        return "Medium" if self.fringes < HIGH_FROM else "High"


def annotate(
    scene: Scene, interferogram: Interferogram, pair: IndexPair, unique_id: int, defect: str | None
) -> tuple[Annotation, dict[str, np.ndarray]]:
    """Annotate an interferogram.

    Args:
        scene: The frame.
        interferogram: What it is made of.
        pair: Indices of its dates.
        unique_id: The annotation's number.
        defect: One of `defects.DEFECTS`, or None.

    Returns:
        The annotation, and `channels.MASKS` as int32 (H, W) by name.
    """
    patches = [] if defect else find_patches(scene, interferogram)
    kinds = tuple(patch.kind for patch in patches)
    labels = tuple(
        name
        for name, present in (
            ("Deformation", any(kind != "Earthquake" for kind in kinds)),
            ("Earthquake", "Earthquake" in kinds),
        )
        if present
    )
    flags = _flags(scene, interferogram, defect)
    noisy = scene.visible & (interferogram.coherence < LOW_COHERENCE)
    polygons, types, levels = [], [], []
    for patch in patches:
        for polygon in trace_polygons(patch.pixels):
            polygons.append(polygon)
            types.append(patch.kind)
            levels.append(patch.intensity)
    findings = [Finding(p.kind, p.intensity, _place(scene, p.pixels)) for p in patches]
    masks = {name: np.zeros(scene.visible.shape, np.int32) for name in MASKS}
    for patch in patches:
        code = "Earthquake" if patch.kind == "Earthquake" else "Deformation"
        codes = (LABEL_CODES[code], TYPE_CODES[patch.kind], INTENSITY_CODES[patch.intensity])
        for name, value in zip(MASKS, codes, strict=True):
            masks[name][patch.pixels] = value
    annotation = Annotation(
        unique_id=unique_id,
        frame_id=scene.plan.frame_id,
        primary_date=scene.plan.dates[pair[0]],
        secondary_date=scene.plan.dates[pair[1]],
        labels=labels or ("Non_Deformation",),
        activity_types=tuple(types),
        intensity_levels=tuple(levels),
        phase=_phase(patches),
        confidence=_confidence(patches),
        segmentation_mask=tuple(polygons),
        caption=write_caption(flags, findings, defect, _place(scene, noisy)),
        is_crowd=int(len(polygons) > 1),
        **flags,
    )
    return annotation, masks


def find_patches(scene: Scene, interferogram: Interferogram) -> list[Patch]:
    """Find the patches of deforming ground, by source in the order of the actors."""
    motion = interferogram.motion
    moving = (np.abs(motion) > 2 * np.pi * MASK_FRINGES) & scene.visible
    least = np.maximum(MASK_FRINGES, MASK_SHARE * np.abs(interferogram.strengths))
    alone = np.abs(interferogram.deformation) > 2 * np.pi * least[:, None, None]
    moving &= alone.any(axis=0)
    near = generate_binary_structure(2, 1)
    moving |= binary_closing(moving, near, CLOSING_PIXELS) & scene.visible
    groups, count = label(moving, np.ones((3, 3)))
    sizes = np.bincount(groups.ravel(), minlength=count + 1)
    moving &= (sizes >= MIN_PIXELS)[groups]
    if not moving.any():
        return []
    # Smoothed, so that a source's own lobes and nodes do not pass to its neighbour.
    strongest = [
        gaussian_filter(np.abs(phase), OWNER_SMOOTHING_PIXELS)
        for phase in interferogram.deformation
    ]
    owner = np.where(moving, np.argmax(strongest, axis=0), -1)
    _absorb_slivers(owner, groups)
    air = (interferogram.stratified + interferogram.turbulent)[scene.visible].std() / (2 * np.pi)
    patches = []
    for index in np.unique(owner[moving]):
        pixels = owner == index
        fringes = float(np.abs(motion[pixels]).max() / (2 * np.pi))
        seen = float(interferogram.coherence[pixels].mean())
        kind = scene.actors[interferogram.acting[index]].kind
        if seen < TELLING_COHERENCE and kind != "Earthquake":
            kind = "Unidentified"
        clarity = fringes / (0.1 + air) * seen / 255
        change = float(interferogram.strengths[index])
        patches.append(Patch(pixels, kind, change, fringes, clarity))
    return patches


def _absorb_slivers(owner: np.ndarray, groups: np.ndarray) -> None:
    """Give patches too small to notice to the source that moves most of their surroundings."""
    for actor in np.unique(owner[owner >= 0]):
        pieces, count = label(owner == actor, np.ones((3, 3)))
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        for piece in np.flatnonzero(sizes < MIN_PIXELS):
            inside = pieces == piece
            around = owner[(groups == groups[inside][0]) & ~inside & (owner >= 0)]
            owner[inside] = np.bincount(around).argmax()


def trace_polygons(pixels: np.ndarray) -> list[tuple[float, ...]]:
    """Outline the parts of a mask, without their holes.

    Args:
        pixels: bool (H, W).

    Returns:
        Flat x, y polygons in the annotators' picture, by the first row they touch.
    """
    polygons = []
    for geometry, _ in shapes(pixels.astype(np.uint8), mask=pixels, connectivity=8):
        ring = as_shape(geometry).exterior.simplify(SIMPLIFY_PIXELS)
        points = np.array(ring.coords)[:-1] * PICTURE_SCALE
        polygons.append(tuple(round(float(value), 3) for value in points.ravel()))
    return polygons


def _flags(scene: Scene, interferogram: Interferogram, defect: str | None) -> dict[str, int]:
    """The annotators' flags, each true of what the interferogram was made of."""
    seen = scene.visible
    stratified = np.ptp(np.quantile(interferogram.stratified[seen], [0.01, 0.99])) / (2 * np.pi)
    turbulent = interferogram.turbulent[seen].std()
    orbital = np.ptp(interferogram.orbit) / (2 * np.pi)
    ice = scene.terrain.ice > 0.5
    flows = np.abs(interferogram.glacier).max() / (2 * np.pi) >= GLACIER_FRINGES
    shows = bool(ice.any()) and interferogram.coherence[ice].mean() >= LOW_COHERENCE
    noisy = (interferogram.coherence[seen] < LOW_COHERENCE).mean()
    rubbish = defect in ("corrupted", "no_info")
    return {
        "corrupted": int(defect == "corrupted"),
        "processing_error": PROCESSING_ERRORS.get(defect or "", 0),
        "no_info": int(defect == "no_info"),
        "glacier_fringes": int(flows and shows and not rubbish),
        "orbital_fringes": int(orbital >= ORBITAL_FRINGES and not rubbish),
        "atmospheric_fringes": 0
        if rubbish
        else int(stratified >= STRATIFIED_FRINGES) + 2 * int(turbulent >= TURBULENT_RADIANS),
        "low_coherence": int(noisy >= LOW_COHERENCE_SHARE or defect == "no_info"),
    }


def _phase(patches: list[Patch]) -> str:
    """State of the volcano, by the source that shows most."""
    volcanic = [patch for patch in patches if patch.kind != "Earthquake"]
    if not patches:
        return "Rest"
    if not volcanic:
        return "None"
    strongest = max(volcanic, key=lambda patch: patch.fringes)
    return "Unrest" if strongest.change > 0 else "Rebound"


def _confidence(patches: list[Patch]) -> float:
    if not patches:
        return QUIET_CONFIDENCE
    clearest = max(patch.clarity for patch in patches)
    if max(patches, key=lambda patch: patch.fringes).kind == "Unidentified":
        return 0.5
    return 0.5 + 0.1 * int(np.searchsorted([0.6, 1.2, 2.0], clearest))


def _place(scene: Scene, pixels: np.ndarray) -> tuple[float, float]:
    """Centre of a mask as fractions of the frame's height and width."""
    rows, columns = np.nonzero(pixels if pixels.any() else scene.visible)
    height, width = scene.visible.shape
    return rows.mean() / height, columns.mean() / width
