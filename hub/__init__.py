"""Publish datasets, models, metrics and the Space, and use published models on new scenes."""
