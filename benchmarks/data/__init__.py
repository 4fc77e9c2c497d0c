"""Reading, storing and exporting samples, against the usual pipelines."""
