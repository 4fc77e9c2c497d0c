"""The dataset card and its metadata."""
