"""All products, in the order in which they are asked whether a file is theirs."""

from __future__ import annotations

from hub.scenes.products import (
    any_raster,
    aria,
    dolphin,
    gamma,
    gmtsar,
    hyp3,
    isce2,
    licsar,
    mintpy,
    nisar,
    snap,
)
from hub.scenes.products.product import Claim
from hub.scenes.rasters.files import StoredFile

PRODUCTS = tuple(
    module.PRODUCT
    for module in (
        licsar,
        hyp3,
        dolphin,
        gmtsar,
        mintpy,
        aria,
        nisar,
        gamma,
        isce2,
        snap,
        any_raster,
    )
)
"""The most telling names first; any raster last."""


def claim_of(file: StoredFile) -> Claim | None:
    """What a file holds, by the first product that knows it; None if it is no raster.

    Raises:
        SceneError: If its content has to tell and cannot be read.
    """
    for product in PRODUCTS:
        if claim := product.claim(file):
            return claim
    return None


def products_text() -> str:
    """The products, a line or two each, for the help."""
    return "\n".join(f"  {product.title:<27} {product.reads}" for product in PRODUCTS)
