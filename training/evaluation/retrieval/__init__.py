"""How well sentences find interferograms."""
