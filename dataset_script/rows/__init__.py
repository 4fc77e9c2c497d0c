"""A row of the dataset: its recipe, columns, crop and encoding."""
