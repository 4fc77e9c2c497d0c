"""Rasters wherever they are stored: files, grids, no data, units and scales. Knows no product."""
