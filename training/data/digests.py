"""What tells one set of samples from another: which they are, and what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from training.data.rows import Rows
from training.data.samples import Samples

IDS, CONTENTS = "samples_digest", "contents_digest"
"""Keys of results.json."""

_LOOKED_AT = 16  # rows whose pixels count: another crop or recipe shows in any of them


def samples_digests(samples: Samples) -> dict[str, str]:
    """What results keep of the samples that they were measured on.

    Returns:
        `IDS`, of the rows' ids once for each sample, in order; and `CONTENTS`, see
        `contents_digest`.
    """
    ids = "\n".join(samples.metadata(i).sample_id for i in range(len(samples)))
    digest = hashlib.sha256(ids.encode()).hexdigest()[:16]
    return {IDS: digest, CONTENTS: contents_digest(samples.rows)}


def contents_digest(rows: Rows) -> str:
    """Of what rows of the same ids may differ in: labels, sentences and pixels.

    Reading every pixel would take as long as an epoch does, so those of the first step of some
    rows, spread evenly over the split, stand for all.

    Args:
        rows: The rows; other columns of the same rows have another digest.

    Returns:
        16 hexadecimal digits.
    """
    found = hashlib.sha256()
    for known in rows.metadata:
        steps = known.steps
        told: Iterable = (
            steps.labels,
            steps.activity_types,
            steps.intensity_levels,
            steps.phases,
            known.confidence,
            known.confounders,
            known.captions,
        )
        found.update(f"{[*told]}\n".encode())
    looked_at = np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(int)
    for row in looked_at:
        for name, raster in rows.read(int(row)).items():
            shown = raster[0] if raster.ndim == 3 else raster
            found.update(f"{name} {raster.dtype} {raster.shape}\n".encode())
            found.update(np.ascontiguousarray(shown).tobytes())
    return found.hexdigest()[:16]
