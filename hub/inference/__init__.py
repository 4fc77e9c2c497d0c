"""A model asked about a scene, and its answer."""
