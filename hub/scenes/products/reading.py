"""How a claimed raster is read by GDAL, and which of its bands."""

from __future__ import annotations

from collections.abc import Sequence

from hub.scenes.products.product import Claim, ReadOptions
from hub.scenes.rasters.gdal import read_band
from hub.scenes.rasters.raster import Raster


def read_raster(claim: Claim, max_pixels: int, options: ReadOptions) -> Raster:
    """The only band of a raster, or the one that the options name for a phase."""
    band = options.band if claim.role == "phase" else None

    def choose(names: Sequence[str], types: Sequence[str]) -> int | None:
        return band

    return read_band(claim.file, claim.role, max_pixels, choose=choose, outside=options.outside)


def read_last_of_two(claim: Claim, max_pixels: int, options: ReadOptions) -> Raster:
    """The second of two real bands, whose first is the amplitude; a file of one band has no choice.

    ISCE2 and ROI_PAC write `.unw` and `.cor` so; longitude and latitude are theirs where no
    coordinate system is named.
    """
    band = options.band if claim.role == "phase" else None

    def choose(names: Sequence[str], types: Sequence[str]) -> int | None:
        if band is None and len(types) == 2 and not any("complex" in name for name in types):
            return 2
        return band

    return read_band(
        claim.file, claim.role, max_pixels, choose=choose, crs="EPSG:4326", outside=options.outside
    )
