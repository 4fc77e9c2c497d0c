"""Grids of experiments, and their table."""
