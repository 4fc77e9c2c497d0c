"""Minicubes made from physics, in the layout of the real archive."""

from dataset_script.synthetic.pipeline import synthesize

__all__ = ["synthesize"]
