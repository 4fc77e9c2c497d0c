"""From compact rows to the planes that a model sees."""
