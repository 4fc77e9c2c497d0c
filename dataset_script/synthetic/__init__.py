"""Minicubes made from physics, in the layout of the real archive."""
