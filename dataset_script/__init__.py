"""Hephaestus Minicubes as Arrow, Parquet and streaming datasets. Torch-free."""

__version__ = "0.1.0"
