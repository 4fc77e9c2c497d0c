"""The smallest archive."""

TINY = {"frames": 2, "height": 48, "width": 64, "acquisitions": 12, "progress": False}
